import { GatewayError } from "../../errors.ts";
import { parseQuery } from "../../wire/query.ts";

/**
 * The parameters of one request, by name. A parameter nobody asks for is refused, so that a misspelt
 * one does not pass silently.
 */
export class QueryParameters {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  /** Throws `bad_request` for malformed percent-encoding and for names not in `known`. */
  constructor(query: string, known: readonly string[]) {
    this.#values = parseQuery(query);
    for (const name of this.#values.keys()) {
      if (known.includes(name)) continue;
      const list = known.length === 0 ? "this request takes none" : `known are ${known.join(", ")}`;
      throw new GatewayError(
        "bad_request",
        `query parameter ${JSON.stringify(name.slice(0, 60))} is unknown; ${list}`,
      );
    }
  }

  /** Every value of a parameter that may be repeated. */
  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** The value of a parameter that may be given once. */
  text(name: string): string | undefined {
    const values = this.#values.get(name);
    if (values === undefined) return undefined;
    if (values.length > 1) {
      throw new GatewayError(
        "bad_request",
        `query parameter ${name} is given ${values.length} times`,
      );
    }
    return values[0];
  }

  /** `true` or `false`, nothing else. */
  flag(name: string): boolean | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (text === "true") return true;
    if (text === "false") return false;
    throw malformed(name, text, "true or false");
  }

  /** A whole number in `min…max`. */
  wholeNumber(name: string, min: number, max: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw malformed(name, text, `a whole number from ${min} to ${max}`);
  }

  /** Seconds, with a fraction if wanted; returns milliseconds. */
  secondsAsMs(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^[0-9]{1,9}(\.[0-9]{1,6})?$/.test(text)) return Number(text) * 1_000;
    throw malformed(name, text, "a number of seconds, such as 25 or 0.5");
  }
}

function malformed(name: string, text: string, expected: string): GatewayError {
  return new GatewayError(
    "bad_request",
    `query parameter ${name} is ${JSON.stringify(text.slice(0, 60))}; expected is ${expected}`,
  );
}
