import { type ErrorCode, type ErrorDetails, GatewayError } from "../errors.ts";
import { readErrorCode } from "./error-code.ts";
import { Fields, parseJson } from "./fields.ts";

/** Content type of a refusal (RFC 9457 §3). */
export const PROBLEM_CONTENT_TYPE = "application/problem+json";

/** A refusal as HTTP carries it (RFC 9457 §3.1), with its code and its details beside. */
export interface Problem {
  /** `about:blank`: what kind of problem it is, `code` says (RFC 9457 §4.2.1). */
  readonly type: "about:blank";
  /** The phrase of the status, as `about:blank` asks for. */
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
}

/** Phrases of RFC 9110 §15 and RFC 6585 for every status in the table of codes. */
const PHRASES: ReadonlyMap<number, string> = new Map([
  [400, "Bad Request"],
  [401, "Unauthorized"],
  [403, "Forbidden"],
  [404, "Not Found"],
  [405, "Method Not Allowed"],
  [409, "Conflict"],
  [410, "Gone"],
  [413, "Content Too Large"],
  [415, "Unsupported Media Type"],
  [422, "Unprocessable Content"],
  [429, "Too Many Requests"],
  [500, "Internal Server Error"],
  [503, "Service Unavailable"],
]);

/** Status of a code that has none of its own: it ends connections, so its answer is a defect. */
const FALLBACK_STATUS = 500;

const OWN_MEMBERS = new Set(["type", "title", "status", "code", "detail"]);

/** The problem a refusal becomes. Details never take the place of a member of the standard. */
export function problemOf(error: GatewayError): Problem & ErrorDetails {
  const status = error.form.http ?? FALLBACK_STATUS;
  const extra = Object.entries(error.details).filter(([name]) => !OWN_MEMBERS.has(name));
  return {
    type: "about:blank",
    title: PHRASES.get(status) ?? "",
    status,
    code: error.code,
    detail: error.message,
    ...Object.fromEntries(extra),
  };
}

/** The body of the answer that refuses. */
export function encodeProblem(error: GatewayError): string {
  return JSON.stringify(problemOf(error));
}

/** The refusal a problem body states, for a client. Throws `bad_request` when it is none of ours. */
export function parseProblem(text: string): GatewayError {
  const value = parseJson(text, "problem");
  const fields = new Fields(value, "problem");
  const details: Record<string, string | number | boolean> = {};
  for (const name of fields.names()) {
    if (OWN_MEMBERS.has(name)) continue;
    const detail = fields.raw(name);
    const isPlain =
      typeof detail === "string" || typeof detail === "number" || typeof detail === "boolean";
    if (isPlain) details[name] = detail;
  }
  return new GatewayError(readErrorCode(fields), fields.text("detail"), { details });
}
