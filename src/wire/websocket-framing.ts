import type { ByteWriter } from "./byte-writer.ts";

/** RFC 6455 §5.2 opcodes of the data frames we send. */
export const OPCODE_TEXT = 0x1;
export const OPCODE_BINARY = 0x2;

/** A data frame's kind. */
export type DataOpcode = typeof OPCODE_TEXT | typeof OPCODE_BINARY;

/** FIN, opcode and a 64-bit length; a server does not mask (RFC 6455 §5.1). */
export const MAX_HEADER_BYTES = 10;

const FIN = 0x80;
/** "This message is compressed" (RFC 7692 §7.2.3.1). */
const RSV1 = 0x40;

/** Lengths up to this stand in the second byte; 126 and 127 announce a longer field. */
const MAX_SHORT_LENGTH = 125;
const MAX_MEDIUM_LENGTH = 0xffff;
const UINT32_RANGE = 0x1_0000_0000;

/** Bytes of the header of an unmasked frame with a body of this length. */
export function headerBytes(bodyBytes: number): 2 | 4 | 10 {
  if (bodyBytes <= MAX_SHORT_LENGTH) return 2;
  return bodyBytes <= MAX_MEDIUM_LENGTH ? 4 : MAX_HEADER_BYTES;
}

/**
 * Begins a frame whose body is about to be written: leaves room for the longest header and returns
 * where the body starts. Finish with {@link endFrame}.
 */
export function beginFrame(out: ByteWriter): number {
  out.reserve(MAX_HEADER_BYTES);
  out.position += MAX_HEADER_BYTES;
  return out.position;
}

/**
 * Writes the header of a whole message right in front of its body, which ends at the writer's
 * position, and returns where the frame starts: the frame is `out.view(start)`. The bytes between
 * the room left and that start are unused, so frames written one after the other are not contiguous.
 */
export function endFrame(
  out: ByteWriter,
  bodyStart: number,
  opcode: DataOpcode,
  isCompressed = false,
): number {
  const length = out.position - bodyStart;
  const start = bodyStart - headerBytes(length);
  putHeader(out.buffer, start, length, opcode, isCompressed);
  return start;
}

/** Appends a whole frame with the given body; frames appended so are contiguous. */
export function writeFrame(
  out: ByteWriter,
  body: Uint8Array,
  opcode: DataOpcode,
  isCompressed = false,
): void {
  out.reserve(MAX_HEADER_BYTES + body.length);
  putHeader(out.buffer, out.position, body.length, opcode, isCompressed);
  out.position += headerBytes(body.length);
  out.bytes(body);
}

/** Writes the header of an unmasked frame at `start`; {@link headerBytes} says how long it is. */
export function putHeader(
  buffer: Uint8Array,
  start: number,
  length: number,
  opcode: DataOpcode,
  isCompressed: boolean,
): void {
  buffer[start] = FIN | (isCompressed ? RSV1 : 0) | opcode;
  if (length <= MAX_SHORT_LENGTH) {
    buffer[start + 1] = length;
    return;
  }
  if (length <= MAX_MEDIUM_LENGTH) {
    buffer[start + 1] = 126;
    buffer[start + 2] = length >> 8;
    buffer[start + 3] = length & 0xff;
    return;
  }
  buffer[start + 1] = 127;
  putUint32(buffer, start + 2, Math.floor(length / UINT32_RANGE));
  putUint32(buffer, start + 6, length % UINT32_RANGE);
}

function putUint32(buffer: Uint8Array, start: number, value: number): void {
  buffer[start] = value >>> 24;
  buffer[start + 1] = (value >>> 16) & 0xff;
  buffer[start + 2] = (value >>> 8) & 0xff;
  buffer[start + 3] = value & 0xff;
}
