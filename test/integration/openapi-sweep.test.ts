import http from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { at, isJson, type Json } from "../support/documents/documents.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { type Answer, type Request, send } from "../support/http-client.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

let gateway: RunningGateway;
let paths: Json;

/** Each answer is held to the document by `send`, headers and body. */
function ask(method: string, target: string, request: Request = {}): Promise<Answer> {
  // A connection each: with a body that nobody asked for, one may be closed after its answer.
  const agent = new http.Agent();
  return send(Number(new URL(gateway.urls.http).port), method, target, { ...request, agent });
}

beforeAll(async () => {
  gateway = await startGateway();
  paths = at((await ask("GET", "/openapi.json")).json(), "paths");
  await ask("POST", "/v1/topics/kept?retain=true", { body: "x" });
});
afterAll(() => gateway.stop());

/** Node's client sends no length of its own with the methods that seldom have a body. */
function withBody(type: string, body: string): Request {
  return { headers: { "Content-Type": type, "Content-Length": body.length }, body };
}

/** The same request in ways that are refused for what they carry, where anybody looks at it. */
const VARIANTS: readonly { readonly name: string; query?: string; request?: Request }[] = [
  { name: "nothing more" },
  { name: "an unknown parameter", query: "?nothing=1" },
  { name: "a broken escape", query: "?%zz=1" },
  { name: "a foreign page", request: { headers: { Origin: "https://elsewhere.example" } } },
  { name: "credentials of no known kind", request: { headers: { Authorization: "Digest x" } } },
  { name: "a body that is no JSON", request: withBody("application/json", "{") },
  { name: "a body of another JSON", request: withBody("application/json", '{"a":1}') },
  { name: "no media type", request: withBody("none at all", "x") },
];

describe("every path of /openapi.json", () => {
  test.each(METHODS)("answers %s as documented, whatever the request carries", async (method) => {
    for (const path of Object.keys(paths)) {
      const target = path.replace("{topic}", "kept");
      const isDocumented = isJson(at(paths, path)[method.toLowerCase()]);
      for (const { name, query = "", request } of VARIANTS) {
        const { status } = await ask(method, target + query, request).catch((cause: unknown) => {
          throw new Error(`${method} ${path} with ${name}`, { cause });
        });
        const isRefusedPage = name === "a foreign page";
        // Who may not come in is not told what there is.
        if (isRefusedPage) expect([path, name, status]).toEqual([path, name, 403]);
        else expect([path, name, status === 405]).toEqual([path, name, !isDocumented]);
        expect([path, name, status]).not.toEqual([path, name, 404]);
      }
      // Where it was cleared.
      await ask("POST", "/v1/topics/kept?retain=true", { body: "x" });
    }
  });

  test("has nothing beside it: other paths are not found, by any method", async () => {
    for (const path of ["/v1", "/v1/", "/v1/topics", "/v1/log-level/", "/ws/", "/mqtt/x"]) {
      const known = Object.keys(paths).includes(path);
      for (const method of known ? [] : METHODS) {
        const { status } = await ask(method, path);
        expect([method, path, status]).toEqual([method, path, 404]);
      }
    }
  });
});

test("every HTTP operation of /asyncapi.json is one of /openapi.json", async () => {
  const document = (await ask("GET", "/asyncapi.json")).json() as Json;
  const operations = Object.values(at(document, "operations")).flatMap((operation) => {
    const method = at(operation, "bindings", "http").method;
    if (typeof method !== "string") return [];
    const channel = String(at(operation, "channel").$ref).replace("#/channels/", "");
    return [[String(at(document, "channels", channel).address), method.toLowerCase()] as const];
  });
  expect(operations.length).toBeGreaterThan(3);
  for (const [address, method] of operations) {
    expect([address, Object.keys(at(paths, address.split("?", 1)[0] ?? ""))]).toEqual([
      address,
      expect.arrayContaining([method]),
    ]);
  }
});
