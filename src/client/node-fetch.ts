import {
  globalAgent,
  type IncomingMessage,
  type Agent as PlainAgent,
  request as requestPlain,
} from "node:http";
import { Agent, request as requestTls } from "node:https";
import { Readable } from "node:stream";
import type { Fetch } from "./http-request.ts";
import { nodeTlsOptions } from "./node-tls.ts";
import type { ProxyAddress } from "./proxy.ts";
import { DEFAULT_TLS, type TlsClientOptions } from "./tls-client-options.ts";
import { tunnelAgent } from "./tunnel-agent.ts";

/** Statuses whose answer has no body (Fetch §2.2.3), for which none may be given. */
const BODYLESS = new Set([101, 103, 204, 205, 304]);

/**
 * A `fetch` through a proxy, by TLS for `https` URLs. Connections are kept open between requests, and
 * none keeps the process alive. Redirects are not followed: no gateway sends one.
 */
export function proxyFetch(proxy: ProxyAddress, tls: TlsClientOptions = DEFAULT_TLS): Fetch {
  const settings = { keepAlive: true, ...nodeTlsOptions(tls) };
  return fetchBy({
    plain: tunnelAgent(proxy, false, settings),
    tls: tunnelAgent(proxy, true, settings),
  });
}

/**
 * A `fetch` with a CA and a client certificate of one's own, which Node's cannot be given. Connections
 * are kept open between requests, and none keeps the process alive. Redirects are not followed: no
 * gateway sends one.
 */
export function tlsFetch(options: TlsClientOptions): Fetch {
  const agent = new Agent({ keepAlive: true, noDelay: true, ...nodeTlsOptions(options) });
  return fetchBy({ plain: globalAgent, tls: agent });
}

function fetchBy(agents: { readonly plain: PlainAgent; readonly tls: PlainAgent }): Fetch {
  return (url, { method = "GET", headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const isTls = url.startsWith("https:");
      const settings = {
        method,
        headers: Object.fromEntries(new Headers(headers)),
        ...(signal === undefined ? {} : { signal }),
      };
      const onAnswer = (answer: IncomingMessage): void => resolve(toResponse(answer));
      const asked = isTls
        ? requestTls(url, { ...settings, agent: agents.tls }, onAnswer)
        : requestPlain(url, { ...settings, agent: agents.plain }, onAnswer);
      asked.on("error", reject);
      // The length is known, so that the request is not chunked.
      if (body !== undefined) asked.setHeader("content-length", Buffer.byteLength(body));
      asked.end(body);
    });
}

function toResponse(answer: IncomingMessage): Response {
  const status = answer.statusCode ?? 0;
  const headers = new Headers();
  for (let i = 0; i + 1 < answer.rawHeaders.length; i += 2) {
    headers.append(answer.rawHeaders[i] ?? "", answer.rawHeaders[i + 1] ?? "");
  }
  if (BODYLESS.has(status)) {
    answer.resume();
    return new Response(null, { status, headers });
  }
  return new Response(Readable.toWeb(answer), { status, headers });
}
