import { compileErrors, validate } from "@readme/openapi-parser";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ERROR_FORMS, type ErrorForm, GatewayError } from "../../src/errors.ts";
import { encodeProblem } from "../../src/wire/problem.ts";
import { at, type Json } from "../support/documents/documents.ts";
import { DocumentSchemas } from "../support/documents/strict-schema.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { type Answer, send } from "../support/http-client.ts";

let gateway: RunningGateway;
let document: Json;

function ask(method: string, target: string, on = gateway): Promise<Answer> {
  return send(Number(new URL(on.urls.http).port), method, target);
}

beforeAll(async () => {
  gateway = await startGateway();
  document = (await ask("GET", "/openapi.json")).json();
});
afterAll(() => gateway.stop());

interface Operation {
  readonly path: string;
  readonly method: string;
  readonly value: Json;
}

function operations(): Operation[] {
  return Object.keys(at(document, "paths")).flatMap((path) => {
    const methods = at(document, "paths", path);
    return Object.keys(methods)
      .filter((method) => method !== "parameters")
      .map((method) => ({ path, method, value: at(methods, method) }));
  });
}

function schemas(): DocumentSchemas {
  return new DocumentSchemas(document, new Ajv2020({ strict: false }));
}

/** Every problem schema of the document, with the status it is for. */
function problems(): { status: number; schema: Json }[] {
  const responses = [
    ...operations().map(({ value }) => at(value, "responses")),
    {
      404: at(document, "components", "responses", "NothingThere"),
      405: at(document, "components", "responses", "MethodNotAllowed"),
    },
  ];
  return responses.flatMap((all) =>
    Object.entries(all).flatMap(([status, response]) => {
      const schema = at(response, "content", "application/problem+json", "schema");
      return schema.type === undefined ? [] : [{ status: Number(status), schema }];
    }),
  );
}

describe("/openapi.json", () => {
  test("is a valid OpenAPI 3.1 document, to a parser nobody here wrote", async () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    const result = await validate(structuredClone(document) as Parameters<typeof validate>[0]);
    expect(result.valid ? "" : compileErrors(result)).toBe("");
    expect(result.warnings).toEqual([]);
  });

  test("names the methods that each path says it has", async () => {
    const paths = at(document, "paths");
    expect(Object.keys(paths).length).toBeGreaterThan(13);
    for (const path of Object.keys(paths)) {
      const answer = await ask("OPTIONS", path.replace("{topic}", "a"));
      const methods = Object.keys(at(paths, path)).filter((name) => name !== "parameters");
      const allowed = String(answer.headers.allow).toLowerCase().split(", ");
      expect(allowed.sort(), path).toEqual(methods.sort());
    }
  });

  test("documents every code of the error table that HTTP can carry, under its status", () => {
    const documented = new Set<string>();
    const all = schemas();
    for (const { status, schema } of problems()) {
      const { enum: codes } = at(schema, "properties", "code");
      if (!Array.isArray(codes)) throw new Error("a problem without codes");
      for (const code of codes as (keyof typeof ERROR_FORMS)[]) {
        documented.add(code);
        expect(ERROR_FORMS[code].http).toBe(status);
        const details = { reason: "epoch", earliest: "k3v9x2m1q8-0" };
        const problem = JSON.parse(encodeProblem(new GatewayError(code, "why", { details })));
        expect(all.fault(schema, problem), code).toBe(null);
        expect(all.fault(schema, { ...problem, status: 299 })).not.toBe(null);
      }
    }
    const expected = Object.entries<ErrorForm>(ERROR_FORMS).filter(
      ([, form]) => form.http !== null,
    );
    expect([...documented].sort()).toEqual(expected.map(([code]) => code).sort());
  });

  test("takes numbers of the query from their least to their largest, and none beyond", async () => {
    // So that polls have something to answer with at once.
    await ask("POST", "/v1/topics/a");
    const bounded = operations().flatMap(({ path, method, value }) =>
      (Array.isArray(value.parameters) ? value.parameters : []).flatMap((parameter: Json) => {
        const bounds = parameter.in === "query" ? boundsOf(parameter) : null;
        const others = path === "/v1/poll" ? "filter=a&cursor=earliest&" : "";
        const query = `${path.replace("{topic}", "a")}?${others}${String(parameter.name)}=`;
        return bounds === null ? [] : [{ method: method.toUpperCase(), query, bounds }];
      }),
    );
    expect(bounded.length).toBeGreaterThan(4);
    for (const { method, query, bounds } of bounded) {
      const [least, largest] = bounds;
      for (const number of [least, largest, least - 1, largest + 1]) {
        const { status } = await ask(method, `${query}${number}`);
        const isTaken = number >= least && number <= largest;
        expect([query, number, status < 400]).toEqual([query, number, isTaken]);
      }
    }
  });

  test("has examples that its schemas take", () => {
    const all = schemas();
    const contents = operations().flatMap(({ value }) => [
      at(value, "requestBody", "content", "application/json"),
      ...Object.values(at(value, "responses")).map((answer) =>
        at(answer, "content", "application/json"),
      ),
    ]);
    const shown = contents.filter(({ example }) => example !== undefined);
    expect(shown.length).toBeGreaterThan(5);
    for (const content of shown) all.check("example", at(content, "schema"), content.example);
  });

  test("tells the settings of the gateway that serves it", async () => {
    const other = await startGateway({
      http: { maxBulkMessages: 7, poll: { defaultHoldMs: 3_000, defaultMessages: 5 } },
      limits: { maxTopicBytes: 100, maxTopicLevels: 4, maxFiltersPerRequest: 2 },
      websocket: { path: "/socket" },
      mqtt: { websocketPath: "/things" },
    });
    const told = (await ask("GET", "/openapi.json", other)).json();
    await other.stop();
    const schema = (name: string) => at(told, "components", "schemas", name);
    expect(schema("Bulk").maxItems).toBe(7);
    expect(schema("Topic").maxLength).toBe(100);
    expect(schema("Topic").pattern).toContain("{0,3}");
    const parameters = at(told, "paths", "/v1/poll", "get").parameters;
    expect(parameters).toContainEqual(
      expect.objectContaining({ name: "timeout", schema: expect.objectContaining({ default: 3 }) }),
    );
    expect(parameters).toContainEqual(
      expect.objectContaining({ name: "max", schema: expect.objectContaining({ default: 5 }) }),
    );
    expect(parameters).toContainEqual(
      expect.objectContaining({
        name: "filter",
        schema: expect.objectContaining({ maxItems: 2 }),
      }),
    );
    expect(Object.keys(at(told, "paths"))).toEqual(expect.arrayContaining(["/socket", "/things"]));
  });
});

/** The least and largest whole number a parameter takes; `null` when it is no number. */
function boundsOf(parameter: Json): readonly [number, number] | null {
  const schema = at(parameter, "schema");
  const name = String(schema.$ref ?? "").replace("#/components/schemas/", "");
  const { type, minimum, maximum, exclusiveMaximum } =
    name === "" ? schema : at(document, "components", "schemas", name);
  if (type !== "integer" && type !== "number") return null;
  return [Number(minimum), maximum === undefined ? Number(exclusiveMaximum) - 1 : Number(maximum)];
}
