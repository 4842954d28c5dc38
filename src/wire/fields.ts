import { GatewayError } from "../errors.ts";
import { hasLoneSurrogate, utf8Length } from "./utf8.ts";

/** Bytes of an MQTT string at most [MQTT-1.5.4]: its length is a two-byte integer. */
const MQTT_STRING_BYTES = 65_535;

/**
 * The fields of one JSON object from outside, each read with the type it must have. What is wrong
 * throws `bad_request` with a message that names the field, what it is and what was expected.
 */
export class Fields {
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #subject: string;

  /** `subject` names the object in messages, such as `publish`. */
  constructor(value: unknown, subject: string) {
    if (!isObject(value)) {
      throw new GatewayError(
        "bad_request",
        `${subject} is ${kindOf(value)}; an object is expected`,
      );
    }
    this.#object = value;
    this.#subject = subject;
  }

  /** Refuses any field not named: a misspelt option must not pass for its default. */
  only(names: ReadonlySet<string>): void {
    for (const name of Object.keys(this.#object)) {
      if (names.has(name)) continue;
      const known = [...names].join(", ");
      throw new GatewayError(
        "bad_request",
        `${this.#subject} has no field ${quote(name)}; its fields are ${known}`,
      );
    }
  }

  has(name: string): boolean {
    return this.#object[name] !== undefined;
  }

  names(): readonly string[] {
    return Object.keys(this.#object);
  }

  /** The value as it came; `undefined` when the field is absent. */
  raw(name: string): unknown {
    return this.#object[name];
  }

  text(name: string): string {
    const value = this.#object[name];
    if (typeof value !== "string") throw this.fault(name, "a string");
    return value;
  }

  optionalText(name: string): string | undefined {
    return this.#object[name] === undefined ? undefined : this.text(name);
  }

  /** A string as MQTT can carry it: at most 65,535 bytes, no U+0000, no lone surrogate (§1.5.4). */
  optionalMqttText(name: string): string | undefined {
    const value = this.#object[name];
    if (value === undefined) return undefined;
    if (!isMqttText(value)) throw this.fault(name, MQTT_TEXT);
    return value;
  }

  /** Pairs of strings, names may repeat: the user properties of MQTT 5 §3.3.2.3.7. */
  optionalPairs(name: string): readonly (readonly [string, string])[] | undefined {
    const value = this.#object[name];
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw this.fault(name, "an array of [name, value] pairs");
    return value.map((pair: unknown, index) => {
      if (Array.isArray(pair) && pair.length === 2) {
        const [key, text]: unknown[] = pair;
        if (isMqttText(key) && isMqttText(text)) return [key, text] as const;
      }
      throw new GatewayError(
        "bad_request",
        `item ${index} of field ${quote(name)} of ${this.#subject} is not a pair of strings of ` +
          `at most ${MQTT_STRING_BYTES} bytes without U+0000`,
      );
    });
  }

  boolean(name: string): boolean {
    const value = this.#object[name];
    if (typeof value !== "boolean") throw this.fault(name, "a boolean");
    return value;
  }

  /** `false` when the field is absent. */
  flag(name: string, byDefault: boolean): boolean {
    return this.#object[name] === undefined ? byDefault : this.boolean(name);
  }

  /** A finite number. */
  number(name: string): number {
    const value = this.#object[name];
    if (typeof value !== "number" || !Number.isFinite(value)) throw this.fault(name, "a number");
    return value;
  }

  integer(name: string, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.#object[name];
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > max) {
      throw this.fault(name, `an integer of 0…${max}`);
    }
    return value;
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    const value = this.#object[name];
    const found = allowed.find((word) => word === value);
    if (found === undefined) throw this.fault(name, allowed.map(quote).join(" or "));
    return found;
  }

  array(name: string): readonly unknown[] {
    const value = this.#object[name];
    if (!Array.isArray(value)) throw this.fault(name, "an array");
    return value;
  }

  /** The refusal of a field that is not what it must be. Text is not repeated: it may be a secret. */
  fault(name: string, expected: string): GatewayError {
    const found = kindOf(this.#object[name]);
    return new GatewayError(
      "bad_request",
      `field ${quote(name)} of ${this.#subject} is ${found}; ${expected} is expected`,
    );
  }
}

const MQTT_TEXT = `a string of at most ${MQTT_STRING_BYTES} bytes without U+0000 or lone surrogate`;

/** Whether a JSON value is an object: neither null nor an array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Parses JSON text; throws `bad_request` that names the subject. */
export function parseJson(text: string, subject: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GatewayError("bad_request", `${subject} is not JSON (RFC 8259)`, { cause });
  }
}

function isMqttText(value: unknown): value is string {
  return (
    typeof value === "string" &&
    !value.includes("\0") &&
    !hasLoneSurrogate(value) &&
    (value.length * 3 <= MQTT_STRING_BYTES || utf8Length(value) <= MQTT_STRING_BYTES)
  );
}

/** What a value is, for a message: its type, and the value itself where it is short and no secret. */
function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "string") return `a string of ${value.length} characters`;
  if (typeof value === "number" || typeof value === "boolean")
    return `the ${typeof value} ${value}`;
  return "an object";
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
