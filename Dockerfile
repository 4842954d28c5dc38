# syntax=docker/dockerfile:1

# Debian rather than Alpine: libraries with native parts publish their binaries for glibc.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
# The packages change less often than the code, so their layer is usually still there.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
# The one directory that is written to; a volume mounted here takes over its owner.
RUN install -d -o node -g node -m 0750 /var/lib/tributary
COPY LICENSE ./
COPY config ./config
COPY --from=build /build/dist ./dist
# By number, so that an orchestrator can see that it is not root (Kubernetes: runAsNonRoot).
# 1000 is the user "node" of the image.
USER 1000:1000
EXPOSE 8080 1883 7083
# The gateway drains on SIGTERM and exits 0; as process 1 it gets the signal itself, because the
# entry point is in exec form.
STOPSIGNAL SIGTERM
# Ready, not just alive: 503 while it starts, drains, or cannot store.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TRIBUTARY_HTTP_PORT ?? 8080}/readyz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["serve", "--config", "/app/config/container.yaml"]
