import { compileErrors, validate } from "@readme/openapi-parser";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Json } from "../support/documents/documents.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { type Answer, send } from "../support/http-client.ts";

let gateway: RunningGateway;
let document: Json;

function ask(method: string, target: string): Promise<Answer> {
  return send(Number(new URL(gateway.urls.http).port), method, target);
}

beforeAll(async () => {
  gateway = await startGateway();
  document = (await ask("GET", "/openapi.json")).json();
});
afterAll(() => gateway.stop());

describe("/openapi.json", () => {
  test("is a valid OpenAPI 3.1 document, to a parser nobody here wrote", async () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    const result = await validate(structuredClone(document) as Parameters<typeof validate>[0]);
    expect(result.valid ? "" : compileErrors(result)).toBe("");
    expect(result.warnings).toEqual([]);
  });
});
