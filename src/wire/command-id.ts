import type { Fields } from "./fields.ts";
import { utf8Length } from "./utf8.ts";

/** What a client names a command by: an integer of 0…2^53 − 1 or text of at most 64 bytes. */
export type CommandId = number | string;

/** Bounds what every answer repeats. */
const MAX_ID_BYTES = 64;

const COMMAND_ID_RULE = `an integer of 0…2^53−1 or a string of at most ${MAX_ID_BYTES} bytes`;

/** Whether the value may name a command. */
export function isCommandId(value: unknown): value is CommandId {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0;
  return (
    typeof value === "string" && value.length <= MAX_ID_BYTES && utf8Length(value) <= MAX_ID_BYTES
  );
}

/** A field that names a command. */
export function readCommandId(fields: Fields, name = "id"): CommandId {
  const id = fields.raw(name);
  if (!isCommandId(id)) throw fields.fault(name, COMMAND_ID_RULE);
  return id;
}
