import { Parser } from "@asyncapi/parser";
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
  document = (await ask("GET", "/asyncapi.json")).json();
});
afterAll(() => gateway.stop());

describe("/asyncapi.json", () => {
  test("is a valid AsyncAPI 3 document, to a parser nobody here wrote", async () => {
    const { document: parsed, diagnostics } = await new Parser().parse(JSON.stringify(document));
    // 3.0 is what tools read; that there is a 3.1 is no fault.
    const faults = diagnostics.filter(({ code }) => code !== "asyncapi-latest-version");
    expect(faults.map(({ message, path }) => `${path.join("/")}: ${message}`)).toEqual([]);
    expect(parsed?.version()).toBe("3.0.0");
  });
});
