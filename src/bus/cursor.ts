import { GatewayError } from "../errors.ts";

declare const cursorBrand: unique symbol;

/** Opaque text that means "I have everything up to here". Safe in a URL, a header and an SSE id. */
export type Cursor = string & { readonly [cursorBrand]: true };

/** What a cursor holds. */
export interface Position {
  /** The lifetime of the sequence it was handed out in. */
  readonly epoch: string;
  /** The last offset the reader has; 0 before the first message. */
  readonly offset: number;
}

/** The epoch's name is 8–32 characters of `[0-9a-z]`, chosen at random at every start. */
const CURSOR_PATTERN = /^([0-9a-z]{8,32})-([0-9a-z]{1,11})$/;

/** Builds the text of a position: the epoch, a hyphen, the offset in base 36. */
export function formatCursor(epoch: string, offset: number): Cursor {
  return `${epoch}-${offset.toString(36)}` as Cursor;
}

/** Checks the form only; whether the position still stands is the log's to say. Throws `bad_request`. */
export function parseCursor(text: string): Position {
  const parts = CURSOR_PATTERN.exec(text);
  const offset = parts === null ? Number.NaN : Number.parseInt(parts[2] ?? "", 36);
  if (parts === null || !Number.isSafeInteger(offset)) {
    const shown = JSON.stringify(text.slice(0, 60));
    throw new GatewayError(
      "bad_request",
      `${shown} is not a cursor; send one this gateway gave you, "earliest" or "now"`,
    );
  }
  return { epoch: parts[1] ?? "", offset };
}
