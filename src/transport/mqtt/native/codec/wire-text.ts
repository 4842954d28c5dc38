import { isUtf8 } from "node:buffer";

/**
 * The text of `bytes[start…end)`, or `null` when it is not well-formed UTF-8 [MQTT-1.5.4-1] or holds
 * U+0000 [MQTT-1.5.4-2]. A byte order mark is kept [MQTT-1.5.4-3].
 */
export function readText(bytes: Buffer, start: number, end: number): string | null {
  // Most texts are short and ASCII: a loop settles them and spares the slower decoder.
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i] ?? 0;
    if (byte === 0) return null;
    if (byte >= 0x80) return readWideText(bytes, start, end, i);
  }
  return bytes.toString("latin1", start, end);
}

function readWideText(bytes: Buffer, start: number, end: number, from: number): string | null {
  const rest = bytes.subarray(from, end);
  return rest.includes(0) || !isUtf8(rest) ? null : bytes.toString("utf8", start, end);
}
