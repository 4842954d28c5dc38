import { expect } from "vitest";
import { PROTOCOL_TOPIC_LIMITS } from "../../src/bus/topic.ts";
import { PacketError } from "../../src/transport/mqtt/native/codec/packet-error.ts";
import { type ReasonName, reasonName } from "../../src/transport/mqtt/native/codec/reason-codes.ts";
import { ByteWriter } from "../../src/wire/byte-writer.ts";

/** A byte, a text with its two-byte length before it, or bytes as they are. */
export type Part = number | string | Uint8Array;

/** The parts one after the other. */
export function bytes(...parts: readonly Part[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === "number") return Buffer.of(part);
      return typeof part === "string" ? field(Buffer.from(part)) : Buffer.from(part);
    }),
  );
}

/** Bytes with their two-byte length before them. */
export function field(content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(content.length >> 8, content.length & 0xff), content]);
}

/** Properties with their length, which must fit one byte, before them. */
export function properties(...parts: readonly Part[]): Buffer {
  const content = bytes(...parts);
  return Buffer.concat([Buffer.of(content.length), content]);
}

/** A packet among other bytes, as it lies in a read chunk. */
export interface LyingPacket {
  readonly bytes: Buffer;
  readonly start: number;
  readonly body: number;
  readonly end: number;
}

/** What lies around the packet would be seen if it were read: no text, no length, no packet id. */
const AROUND = Buffer.alloc(7, 0xff);

/** The packet with its remaining length, which must fit one byte, and strange bytes around it. */
export function lying(firstByte: number, ...parts: readonly Part[]): LyingPacket {
  const content = bytes(...parts);
  const start = AROUND.length;
  return {
    bytes: Buffer.concat([AROUND, Buffer.of(firstByte, content.length), content, AROUND]),
    start,
    body: start + 2,
    end: start + 2 + content.length,
  };
}

/** The name of the reason for which the call refuses its packet. Fails when it does not. */
export function reasonOf(call: () => unknown): ReasonName | string {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(PacketError);
  return thrown instanceof PacketError ? reasonName(thrown.reason) : "";
}

/** What the encoder writes, in hexadecimal digits; what it returns is asserted to be true-like. */
export function written(encode: (out: ByteWriter) => unknown): string {
  const out = new ByteWriter(16);
  // Something stands before it, as in a batch.
  out.byte(0xee);
  expect(encode(out)).toBeTruthy();
  return Buffer.from(out.view(1)).toString("hex");
}

/** Asserts that the encoder returns false or 0 and leaves nothing behind. */
export function expectNothingWritten(encode: (out: ByteWriter) => unknown): void {
  const out = new ByteWriter(16);
  out.byte(0xee);
  expect(encode(out)).toBeFalsy();
  expect(out.position).toBe(1);
}

export const LIMITS = {
  ...PROTOCOL_TOPIC_LIMITS,
  maxClientIdBytes: 256,
  maxKeepAliveSeconds: 0,
};
