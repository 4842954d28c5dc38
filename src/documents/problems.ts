import { ERROR_FORMS, type ErrorCode, errorForm } from "../errors.ts";
import { PROBLEM_CONTENT_TYPE } from "../wire/problem.ts";
import { GAP_REASON } from "./frame-schemas.ts";
import { type AnswerHeader, headers } from "./http-headers.ts";
import { count, type JsonSchema, object, ref } from "./json-schema.ts";

/** Facts beside the members of the standard, by the code that carries them; each may be absent. */
const DETAILS: Partial<Record<ErrorCode, Readonly<Record<string, JsonSchema>>>> = {
  draining: {
    cursor: { description: "Of a poll: what to poll with next.", anyOf: [ref("Cursor")] },
  },
  rate_limited: { retryAfter: count("Seconds to wait.") },
};

/** What a gap always tells. */
const GAP_DETAILS: Readonly<Record<string, JsonSchema>> = {
  reason: GAP_REASON,
  earliest: { description: "What to go on from.", anyOf: [ref("Cursor")] },
};

/** What the refusal of a bulk may tell. */
const BULK_DETAILS: Readonly<Record<string, JsonSchema>> = {
  errors: {
    description: "Why commands are refused, by their place in the array.",
    type: "array",
    items: object({
      index: count("From 0."),
      code: ref("ErrorCode"),
      message: { type: "string" },
    }),
  },
  accepted: count("Messages accepted before the store failed."),
};

/** What an operation's refusals have beside what all have. */
export interface RefusalTraits {
  /** The refused request is a bulk publish. */
  readonly isBulk?: boolean;
  /** The refused request is a poll, which is told its cursor also while the gateway drains. */
  readonly isPoll?: boolean;
  /** The refused request is a WebSocket handshake, or should have been one. */
  readonly isHandshake?: boolean;
}

/** The answers with which an operation refuses by these codes, by status. */
export function refusals(
  codes: readonly ErrorCode[],
  traits: RefusalTraits = {},
): Readonly<Record<string, JsonSchema>> {
  const statuses = new Set(codes.map((code) => errorForm(code).http ?? 500));
  const answers = [...statuses]
    .sort((a, b) => a - b)
    .map((status) => {
      const those = codes.filter((code) => (errorForm(code).http ?? 500) === status);
      return [String(status), refusal(status, those, traits)];
    });
  return Object.fromEntries(answers);
}

function refusal(status: number, codes: readonly ErrorCode[], traits: RefusalTraits): JsonSchema {
  return {
    description: codes.map((code) => `\`${code}\`: ${ERROR_FORMS[code].meaning}`).join(" "),
    headers: refusalHeaders(status, codes, traits),
    content: { [PROBLEM_CONTENT_TYPE]: { schema: problem(status, codes, traits) } },
  };
}

/** A problem (RFC 9457) of one status. */
function problem(status: number, codes: readonly ErrorCode[], traits: RefusalTraits): JsonSchema {
  const optional = {
    ...(traits.isBulk === true ? BULK_DETAILS : {}),
    ...Object.fromEntries(codes.flatMap((code) => Object.entries(DETAILS[code] ?? {}))),
  };
  return object(
    {
      type: { const: "about:blank" },
      title: { description: "The phrase of the status.", type: "string", minLength: 1 },
      status: { const: status },
      code: { enum: codes },
      detail: { description: "What was wrong, for people.", type: "string" },
      ...(codes.includes("gap") ? GAP_DETAILS : {}),
      ...optional,
    },
    { optional: Object.keys(optional) },
  );
}

function refusalHeaders(
  status: number,
  codes: readonly ErrorCode[],
  { isHandshake = false, isPoll = false }: RefusalTraits,
): Readonly<Record<string, JsonSchema>> {
  const own: AnswerHeader[] = [];
  if (status === 401) own.push("WWW-Authenticate");
  if (status === 405) own.push("Allow");
  if (isHandshake && status === 400) own.push("Sec-WebSocket-Version");
  if (codes.every((code) => errorForm(code).retryable)) own.push("Retry-After");
  if (isPoll && codes.includes("draining")) own.push("Tributary-Cursor");
  return headers("Cache-Control", "X-Content-Type-Options", ...own);
}
