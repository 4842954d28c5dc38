import type { ErrorCode } from "../errors.ts";
import { headers } from "./http-headers.ts";
import { type JsonSchema, type Part, ref } from "./json-schema.ts";
import { type RefusalTraits, refusals } from "./problems.ts";

/** What any request may be refused with, before it is looked at closely. */
const ANY: readonly ErrorCode[] = [
  "bad_request",
  "forbidden",
  "too_large",
  "limit_exceeded",
  "internal",
];

/** What one operation is. */
export interface OperationTraits extends RefusalTraits {
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Part[];
  readonly body?: Part;
  /** Answers that are no refusal, by status. */
  readonly answers: Readonly<Record<string, Part>>;
  /** Refusals beside those of any request. */
  readonly codes?: readonly ErrorCode[];
  /** Open to everyone, whoever asks. */
  readonly isOpen?: boolean;
}

/** An operation with every answer it can give. */
export function operation(traits: OperationTraits): Part {
  const { id, tag, summary, description, parameters, body, answers, codes = [] } = traits;
  const isOpen = traits.isOpen === true;
  const refusing: ErrorCode[] = [
    ...ANY,
    ...(isOpen ? [] : (["unauthenticated"] as const)),
    ...codes,
  ];
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: body }),
    ...(isOpen ? { security: [] } : {}),
    responses: { ...answers, ...refusals([...new Set(refusing)], traits) },
  };
}

/** The same without the bodies of its answers (RFC 9110 §9.3.2). */
export function headOf(traits: OperationTraits): Part {
  const { responses, ...rest } = operation({ ...traits, id: `${traits.id}Head` });
  const bare = Object.entries(responses as Readonly<Record<string, Part>>).map(
    ([status, { content: _, ...answer }]) => [status, answer],
  );
  return {
    ...rest,
    summary: `The headers alone: ${traits.summary.charAt(0).toLowerCase()}${traits.summary.slice(1)}`,
    responses: Object.fromEntries(bare),
  };
}

/** What a path can do, also told to browsers that ask before they send (Fetch §3.2.2). */
export function optionsOf(id: string, tag: string): Part {
  return operation({
    id: `${id}Options`,
    tag,
    summary: "Which methods there are",
    isOpen: true,
    answers: {
      204: {
        description: "`Allow` lists them.",
        headers: headers(
          "Allow",
          "Access-Control-Allow-Headers",
          "Access-Control-Allow-Methods",
          "Access-Control-Max-Age",
        ),
      },
    },
  });
}

/** An answer of JSON, by the name of its schema. */
export function json(description: string, schema: string, example?: unknown): Part {
  return {
    description,
    headers: headers("Cache-Control"),
    content: jsonContent(schema, example),
  };
}

/** A body of JSON. */
export function jsonContent(schema: string, example?: unknown): Part {
  return {
    "application/json": { schema: ref(schema), ...(example === undefined ? {} : { example }) },
  };
}

/** A parameter of the query. */
export function queryParameter(
  name: string,
  description: string,
  schema: JsonSchema,
  traits: Part = {},
): Part {
  return { name, in: "query", description, schema, ...traits };
}

/** A header of a request. */
export function requestHeader(name: string, description: string, schema: JsonSchema): Part {
  return { name, in: "header", description, schema };
}
