import { newStampPayload, STAMP_BYTES } from "../wire/stamp.ts";
import { Random } from "./statistics/random.ts";

const encoder = new TextEncoder();

/**
 * A payload with room for a stamp and, behind it, what a sensor would send: readings that wander,
 * as text. Under permessage-deflate the content decides the result; filler of one character would
 * flatter compression and random bytes would deny it. ASCII that JSON carries without an escape.
 */
export function readingsPayload(bytes: number, seed: number): Uint8Array {
  const payload = newStampPayload(bytes);
  const random = new Random(seed);
  let temperature = 20;
  let text = "";
  while (text.length < bytes - STAMP_BYTES) {
    temperature += random.next() - 0.5;
    text += `t=${temperature.toFixed(2)};h=${(40 + 20 * random.next()).toFixed(1)};`;
  }
  payload.set(encoder.encode(text.slice(0, bytes - STAMP_BYTES)), STAMP_BYTES);
  return payload;
}
