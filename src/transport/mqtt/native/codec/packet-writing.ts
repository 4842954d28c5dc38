import type { ByteWriter } from "../../../../wire/byte-writer.ts";
import { utf8Length } from "../../../../wire/utf8.ts";
import { MAX_REMAINING_LENGTH } from "./packet-types.ts";

/** Room kept for the first byte and the longest remaining length. */
const HEADER_ROOM_BYTES = 1 + 4;

/** What a two-byte length can say. */
export const MAX_FIELD_BYTES = 65_535;

/** Begins a packet whose length is not known yet; the body follows at the writer's position. */
export function beginPacket(out: ByteWriter): number {
  const start = out.position;
  out.reserve(HEADER_ROOM_BYTES);
  out.position = start + HEADER_ROOM_BYTES;
  return start;
}

/**
 * Puts the fixed header before the body. When the packet is longer than `maxPacketBytes` it is taken
 * back, as if it had never begun, and `false` returned.
 */
export function endPacket(
  out: ByteWriter,
  start: number,
  firstByte: number,
  maxPacketBytes: number,
): boolean {
  const body = start + HEADER_ROOM_BYTES;
  const length = out.position - body;
  const headerBytes = 1 + variableIntegerBytes(length);
  if (length > MAX_REMAINING_LENGTH || headerBytes + length > maxPacketBytes) {
    out.position = start;
    return false;
  }
  out.buffer.copyWithin(start + headerBytes, body, out.position);
  out.position = start;
  out.buffer[start] = firstByte;
  out.position = start + 1;
  writeVariableInteger(out, length);
  out.position = start + headerBytes + length;
  return true;
}

/** Begins a run of properties whose length stands before it. */
export function beginProperties(out: ByteWriter): number {
  const start = out.position;
  out.byte(0);
  return start;
}

/** Puts the length before the properties written since `start`. */
export function endProperties(out: ByteWriter, start: number): void {
  const length = out.position - start - 1;
  const lengthBytes = variableIntegerBytes(length);
  if (lengthBytes > 1) {
    out.reserve(lengthBytes - 1);
    out.buffer.copyWithin(start + lengthBytes, start + 1, out.position);
  }
  out.position = start;
  writeVariableInteger(out, length);
  out.position = start + lengthBytes + length;
}

/** Bytes a variable byte integer takes (MQTT 5 §1.5.5). */
export function variableIntegerBytes(value: number): 1 | 2 | 3 | 4 {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  return value < 2_097_152 ? 3 : 4;
}

/** Writes 0…268,435,455 in as few bytes as it needs [MQTT-1.5.5-1]. */
export function writeVariableInteger(out: ByteWriter, value: number): void {
  let left = value;
  while (left >= 128) {
    out.byte((left & 0x7f) | 0x80);
    left >>>= 7;
  }
  out.byte(left);
}

export function writeUint16(out: ByteWriter, value: number): void {
  out.byte(value >> 8);
  out.byte(value & 0xff);
}

export function writeUint32(out: ByteWriter, value: number): void {
  writeUint16(out, value >>> 16);
  writeUint16(out, value & 0xffff);
}

/** Writes a UTF-8 string (§1.5.4) of at most {@link MAX_FIELD_BYTES}; see {@link fitsField}. */
export function writeText(out: ByteWriter, text: string): void {
  const start = out.position;
  writeUint16(out, 0);
  out.utf8(text);
  const length = out.position - start - 2;
  out.buffer[start] = length >> 8;
  out.buffer[start + 1] = length & 0xff;
}

/** Writes binary data (§1.5.6) of at most {@link MAX_FIELD_BYTES}. */
export function writeBinary(out: ByteWriter, bytes: Uint8Array): void {
  writeUint16(out, bytes.length);
  out.bytes(bytes);
}

/** Whether a text can stand in a packet: no U+0000, and no longer than its length field can say. */
export function fitsField(text: string): boolean {
  // A UTF-16 unit takes at most 3 bytes, so most texts need not be counted.
  const fits = text.length * 3 <= MAX_FIELD_BYTES || utf8Length(text) <= MAX_FIELD_BYTES;
  return fits && !text.includes("\0");
}
