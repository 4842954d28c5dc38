import { commandSchemas } from "./command-schemas.ts";
import type { DocumentFacts } from "./facts.ts";
import { fieldSchemas } from "./field-schemas.ts";
import { messageSchemas } from "./frame-schemas.ts";
import { ANSWER_HEADERS } from "./http-headers.ts";
import { httpSchemas } from "./http-schemas.ts";
import type { Part } from "./json-schema.ts";
import { referredSchemas } from "./json-schema.ts";
import { messagePaths } from "./openapi-messages.ts";
import { operatorPaths, upgradePaths } from "./openapi-operators.ts";
import { refusals } from "./problems.ts";

/** The OpenAPI 3.1 document of everything the gateway does over HTTP. */
export function openApiDocument({ version, config }: DocumentFacts): Part {
  const paths = { ...messagePaths(config), ...operatorPaths(), ...upgradePaths(config) };
  const schemas = {
    ...fieldSchemas(config),
    ...commandSchemas(config),
    ...messageSchemas(),
    ...httpSchemas(config),
  };
  return {
    openapi: "3.1.0",
    info: {
      title: "Tributary",
      version,
      license: { name: "MIT", identifier: "MIT" },
      description: [
        "Publish and read messages over HTTP; MQTT, WebSocket, event stream and raw TCP clients " +
          "share them, and `/asyncapi.json` says how.",
        "A refusal is a problem document (RFC 9457) with a stable `code`. A method that a path " +
          "does not have is answered `405` with `Allow`; a path that does not exist, `404`. Query " +
          "parameters decode by RFC 3986 alone, so that `+` is `+`; an unknown one is refused.",
      ].join("\n\n"),
    },
    servers: [{ url: "/", description: "The gateway that gave this document." }],
    security: [{}, { basic: [] }, { bearer: [] }, { certificate: [] }],
    tags: TAGS,
    paths,
    components: {
      schemas: referredSchemas([paths, ANSWER_HEADERS], schemas),
      responses: ANYWHERE,
      headers: ANSWER_HEADERS,
      securitySchemes: {
        basic: { type: "http", scheme: "basic", description: "RFC 7617, UTF-8." },
        bearer: { type: "http", scheme: "bearer", description: "RFC 6750." },
        certificate: {
          type: "mutualTLS",
          description: "Where the HTTPS listener asks for one, its common name is the user.",
        },
      },
    },
  };
}

/** Refusals that no operation has, for they are about the lack of one. */
const ANYWHERE: Readonly<Record<string, unknown>> = {
  NothingThere: refusals(["not_found"])[404],
  MethodNotAllowed: refusals(["method_not_allowed"])[405],
};

const TAGS: readonly Part[] = [
  { name: "messages", description: "Publishing and reading." },
  { name: "reports", description: "What operators see; for administrators." },
  { name: "health", description: "For those who watch the gateway, and about it." },
  { name: "upgrades", description: "Where WebSocket begins." },
];
