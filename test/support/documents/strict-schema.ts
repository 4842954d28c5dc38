import { isJson, type Json } from "./documents.ts";

/** What ajv's compiled schemas have in common. */
export interface SchemaCheck {
  (value: unknown): boolean;
  errors?: readonly { instancePath: string; message?: string; params?: object }[] | null;
}

/** The part of ajv that is used here, whatever its draft. */
export interface Compiler {
  compile(schema: object): SchemaCheck;
}

/**
 * A document in which no object has a field that is not named. The documents leave what the gateway
 * says open, so that a newer one may say more; what it says today must all be in them.
 */
export function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (!isJson(value)) return value;
  const entries = Object.entries(value).map(([name, part]) => [name, closed(part)]);
  const isOpenObject =
    value.type === "object" && isJson(value.properties) && !("additionalProperties" in value);
  return Object.fromEntries([
    ...entries,
    ...(isOpenObject ? [["additionalProperties", false]] : []),
  ]);
}

/** Compiles schemas of one document, each when it is first needed. */
export class DocumentSchemas {
  readonly #components: unknown;
  readonly #compiler: Compiler;
  readonly #compiled = new Map<unknown, SchemaCheck>();

  constructor(document: Json, compiler: Compiler) {
    this.#components = document.components;
    this.#compiler = compiler;
  }

  /** Throws what is wrong with the value by the schema, a part of the document. */
  check(subject: string, schema: Json, value: unknown): void {
    const fault = this.fault(schema, value);
    if (fault !== null) throw new Error(`${subject} is not as documented: ${fault}`);
  }

  /** What is wrong with the value; `null` when nothing is. */
  fault(schema: Json, value: unknown): string | null {
    let compiled = this.#compiled.get(schema);
    if (compiled === undefined) {
      // Beside the schema, so that its references resolve; draft 7 wants `$ref` to stand alone.
      const root = { allOf: [schema], components: this.#components };
      compiled = this.#compiler.compile(root);
      this.#compiled.set(schema, compiled);
    }
    if (compiled(value)) return null;
    const errors = (compiled.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
    return `${errors.join("; ")} in ${JSON.stringify(value)?.slice(0, 400)}`;
  }
}
