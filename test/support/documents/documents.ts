import { parseConfig } from "../../../src/config/load.ts";
import { asyncApiDocument } from "../../../src/documents/asyncapi.ts";
import { openApiDocument } from "../../../src/documents/openapi.ts";

/** JSON as a test walks through it. */
export interface Json {
  readonly [name: string]: unknown;
}

/** Whether the value is a JSON object: neither null nor an array. */
export function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What stands at the end of the path; an empty object where it leads nowhere. */
export function at(root: unknown, ...path: readonly (string | number)[]): Json {
  let value = root;
  for (const name of path) value = isJson(value) ? value[name] : undefined;
  return isJson(value) ? value : {};
}

const FACTS = { version: "0.0.0-test", config: parseConfig({}), addresses: [] };

/** The OpenAPI document of a gateway with the default settings, as a client parses it. */
export function openApi(): Json {
  return asJson(openApiDocument(FACTS));
}

/** The AsyncAPI document of a gateway with the default settings, as a client parses it. */
export function asyncApi(): Json {
  return asJson(asyncApiDocument(FACTS));
}

function asJson(document: unknown): Json {
  return JSON.parse(JSON.stringify(document));
}
