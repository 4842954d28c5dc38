/**
 * A schema in the words that JSON Schema draft 7, which AsyncAPI 3 builds on, and draft 2020-12,
 * which OpenAPI 3.1 builds on, share: one schema then serves both documents.
 */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Any other part of a document: an operation, an answer, a channel. */
export type Part = Readonly<Record<string, unknown>>;

/** Schemas by the name other schemas refer to them by. */
export type NamedSchemas = Readonly<Record<string, JsonSchema>>;

/** Refers to a named schema. Nothing may stand beside it: draft 7 ignores the siblings of `$ref`. */
export function ref(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

/** What an object is, beside its fields. */
export interface ObjectTraits {
  readonly description?: string;
  /** Fields that may be absent; all others are required. */
  readonly optional?: readonly string[];
  /** Whether a field that is not named is refused. */
  readonly isClosed?: boolean;
}

/** An object of these fields. */
export function object(
  properties: Readonly<Record<string, JsonSchema>>,
  traits: ObjectTraits = {},
): JsonSchema {
  const { description, optional = [], isClosed = false } = traits;
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return {
    type: "object",
    ...(description === undefined ? {} : { description }),
    ...(required.length === 0 ? {} : { required }),
    properties,
    ...(isClosed ? { additionalProperties: false } : {}),
  };
}

/** An integer of 0…`maximum`. */
export function count(description: string, maximum: number = Number.MAX_SAFE_INTEGER): JsonSchema {
  return { description, type: "integer", minimum: 0, maximum };
}

/** The named schemas that a value refers to, and those that they refer to, in their given order. */
export function referredSchemas(value: unknown, all: NamedSchemas): NamedSchemas {
  const found = new Set<string>();
  const visit = (part: unknown): void => {
    if (typeof part !== "object" || part === null) return;
    for (const [key, child] of Object.entries(part)) {
      if (key === "$ref" && typeof child === "string") follow(child);
      else visit(child);
    }
  };
  const follow = (target: string): void => {
    const name = target.replace("#/components/schemas/", "");
    const schema = all[name];
    if (schema === undefined || found.has(name)) return;
    found.add(name);
    visit(schema);
  };
  visit(value);
  return Object.fromEntries(Object.entries(all).filter(([name]) => found.has(name)));
}
