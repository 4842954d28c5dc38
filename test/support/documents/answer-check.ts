import { Ajv2020 } from "ajv/dist/2020.js";
import { ERROR_FORMS, type ErrorForm } from "../../../src/errors.ts";
import { at, isJson, type Json, openApi } from "./documents.ts";
import { closed, DocumentSchemas } from "./strict-schema.ts";

/** An answer to an HTTP request, read whole. */
export interface ObservedAnswer {
  readonly method: string;
  readonly target: string;
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

/** Of HTTP's own framing (RFC 9110 §6.6.1, §7.6.1, §8.6), or described by the content of an answer. */
const FRAMING = new Set([
  "connection",
  "content-length",
  "content-type",
  "date",
  "keep-alive",
  "transfer-encoding",
]);

const TOPICS = "/v1/topics/";

let loaded: { readonly document: Json; readonly schemas: DocumentSchemas } | null = null;

function load() {
  if (loaded === null) {
    const document = closed(openApi()) as Json;
    const ajv = new Ajv2020({ strict: false, coerceTypes: false });
    loaded = { document, schemas: new DocumentSchemas(document, ajv) };
  }
  return loaded;
}

/** Throws unless the answer is one that the OpenAPI document says this request can have. */
export function checkAnswer(answer: ObservedAnswer): void {
  const { document } = load();
  const path = documentedPath(answer.target);
  const operations = at(document, "paths", path);
  const method = answer.method.toLowerCase();
  if (isJson(operations[method])) {
    const documented = at(operations, method, "responses", answer.status);
    if (documented.description === undefined) throw fault(answer, "a status not documented");
    checkDocumented(answer, documented);
  } else if (answer.target === "*" && answer.status === 204) {
    // The server as a whole says what it can do (RFC 9110 §9.3.7).
  } else {
    checkProblem(answer);
    const missing = { 404: "NothingThere", 405: "MethodNotAllowed" }[answer.status];
    if (missing === undefined) return;
    checkDocumented(answer, at(document, "components", "responses", missing));
    if (answer.status === 405) checkAllow(answer, operations);
  }
}

function checkDocumented(answer: ObservedAnswer, documented: Json): void {
  const { document, schemas } = load();
  checkHeaders(answer, document, schemas, documented);
  // An answer to HEAD has the headers of a body that does not come.
  if (answer.method !== "HEAD") checkBody(answer, schemas, documented);
}

/** The path of the document that a request target falls under. */
function documentedPath(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, "").split("?", 1)[0] ?? "";
  return path.startsWith(TOPICS) ? `${TOPICS}{topic}` : path === "" ? "/" : path;
}

function checkAllow({ headers }: ObservedAnswer, operations: Json): void {
  const allowed = String(headers.allow).split(", ").sort();
  const documented = Object.keys(operations)
    .filter((name) => name !== "parameters")
    .map((name) => name.toUpperCase())
    .sort();
  if (allowed.join() === documented.join()) return;
  throw new Error(`Allow is ${allowed.join()}; documented are ${documented.join()}`);
}

/** A refusal of a request that no operation is documented for. */
function checkProblem(answer: ObservedAnswer): void {
  if (answer.status < 400) throw fault(answer, "not documented, and yet no refusal");
  if (answer.headers["content-type"] !== "application/problem+json") {
    throw fault(answer, "a refusal that is no problem document");
  }
  if (answer.method === "HEAD") return;
  const problem: Json = JSON.parse(answer.body.toString("utf8"));
  const forms: Readonly<Record<string, ErrorForm>> = ERROR_FORMS;
  const isOurs =
    forms[String(problem.code)]?.http === answer.status &&
    problem.status === answer.status &&
    problem.type === "about:blank" &&
    typeof problem.title === "string" &&
    typeof problem.detail === "string";
  if (!isOurs) throw fault(answer, "a problem that is none of the table's");
}

function checkHeaders(
  answer: ObservedAnswer,
  document: Json,
  schemas: DocumentSchemas,
  documented: Json,
): void {
  const known = new Set(FRAMING);
  for (const name of Object.keys(at(documented, "headers"))) {
    const header = at(document, "components", "headers", name);
    const key = name.toLowerCase();
    const value = answer.headers[key];
    known.add(key);
    if (value === undefined) {
      if (header.required === true) throw fault(answer, `without the header ${name}`);
      continue;
    }
    const schema = at(header, "schema");
    const text = Array.isArray(value) ? value.join(", ") : String(value);
    schemas.check(`header ${name}`, schema, schema.type === "integer" ? Number(text) : text);
  }
  const unknown = Object.keys(answer.headers).filter((name) => !known.has(name));
  if (unknown.length > 0) throw fault(answer, `with headers not documented: ${unknown.join(", ")}`);
}

function checkBody(answer: ObservedAnswer, schemas: DocumentSchemas, documented: Json): void {
  const content = at(documented, "content");
  const types = Object.keys(content);
  if (types.length === 0) {
    if (answer.body.length > 0) throw fault(answer, "with a body that is not documented");
    return;
  }
  const sent = String(answer.headers["content-type"] ?? "").split(";", 1)[0] ?? "";
  const type = types.find((name) => name === sent || name === "*/*");
  if (type === undefined) throw fault(answer, `as ${sent}, where ${types.join()} is documented`);
  const { schema } = at(content, type);
  if (!isJson(schema)) return;
  const text = answer.body.toString("utf8");
  const isText = schema.type === "string";
  schemas.check(describe(answer), schema, isText ? text : JSON.parse(text));
}

function fault(answer: ObservedAnswer, what: string): Error {
  return new Error(
    `${describe(answer)} is answered ${what}: ${answer.body.toString().slice(0, 300)}`,
  );
}

function describe({ method, target, status }: ObservedAnswer): string {
  return `${method} ${target.slice(0, 120)} ${status}`;
}
