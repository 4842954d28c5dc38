import { documentedChannels } from "./asyncapi-channels.ts";
import { documentedMessages } from "./asyncapi-messages.ts";
import { documentedOperations } from "./asyncapi-operations.ts";
import { documentedServers } from "./asyncapi-servers.ts";
import { commandSchemas } from "./command-schemas.ts";
import type { DocumentFacts } from "./facts.ts";
import { fieldSchemas } from "./field-schemas.ts";
import { frameSchemas, messageSchemas } from "./frame-schemas.ts";
import { httpSchemas } from "./http-schemas.ts";
import { type Part, referredSchemas } from "./json-schema.ts";

/** The one AsyncAPI 3 document of every protocol the gateway speaks. */
export function asyncApiDocument(facts: DocumentFacts): Part {
  const { version, config } = facts;
  const known = documentedServers(facts);
  const channels = documentedChannels(facts, known);
  const operations = documentedOperations(channels, config);
  const messages = documentedMessages();
  const schemas = {
    ...fieldSchemas(config),
    ...commandSchemas(config),
    ...messageSchemas(),
    ...frameSchemas(),
    ...httpSchemas(config),
  };
  return {
    asyncapi: "3.0.0",
    id: "urn:tributary:gateway",
    info: {
      title: "Tributary",
      version,
      license: { name: "MIT" },
      description:
        "MQTT, WebSocket, HTTP and raw TCP clients exchange messages over one bus. Every message " +
        "that is accepted gets an offset in one sequence, and all see that order. HTTP's statuses " +
        "and headers are in `/openapi.json`.",
      tags: [{ name: "messaging" }],
    },
    defaultContentType: "application/json",
    servers: known.servers,
    channels,
    operations,
    components: {
      schemas: referredSchemas([messages, operations], schemas),
      messages,
      securitySchemes: {
        userPassword: {
          type: "userPassword",
          description:
            "CONNECT of MQTT, the Authorization header of HTTP and of WebSocket's handshake, or " +
            "the authenticate command.",
        },
        certificate: {
          type: "X509",
          description: "Where the listener asks for one, its common name is the user.",
        },
      },
    },
  };
}
