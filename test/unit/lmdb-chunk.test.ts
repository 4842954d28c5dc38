import { describe, expect, test } from "vitest";
import { ChunkBuilder } from "../../src/store/lmdb/chunk-builder.ts";
import { LogChunk, readOne } from "../../src/store/lmdb/log-chunk.ts";
import { encodeParts, recordBytes } from "../../src/store/lmdb/log-record.ts";
import { CorruptedError } from "../../src/store/lmdb/store-fault.ts";
import { draft, topic } from "../support/bus-kit.ts";

function build(payloads: readonly string[]): { builder: ChunkBuilder; bytes: Buffer } {
  const builder = new ChunkBuilder();
  payloads.forEach((payload, i) => {
    const each = draft("a/b", { payload, qos: 1, properties: { contentType: "text/plain" } });
    const parts = encodeParts(each);
    const place = { offset: 100 + 2 * i, acceptedAt: 1_000 + i, topicId: 7 + i };
    builder.add(each, parts, place, recordBytes(each, parts));
  });
  return { builder, bytes: Buffer.from(builder.finish()) };
}

function readAll(bytes: Uint8Array): string[] {
  const chunk = new LogChunk(bytes);
  return Array.from({ length: chunk.count }, (_, i) => {
    const record = chunk.recordAt(i, false);
    const message = record.toMessage(topic("a/b"));
    return `${record.offset} ${record.topicId} ${Buffer.from(message.payload)}`;
  });
}

describe("a chunk of the log", () => {
  const payloads = ["one", "x".repeat(6_000), "three"];
  const expected = payloads.map((payload, i) => `${100 + 2 * i} ${7 + i} ${payload}`);

  test("gives back its messages, all of them or one by its place", () => {
    const { builder, bytes } = build(payloads);
    expect(readAll(bytes)).toEqual(expected);
    const start = builder.starts[2] ?? 0;
    const message = readOne(bytes, start, 104).toMessage(topic("a/b"));
    expect(Buffer.from(message.payload).toString()).toBe("three");
    expect(message).toMatchObject({ qos: 1, properties: { contentType: "text/plain" } });
  });

  test("notices a change of any of its bytes", () => {
    const { bytes } = build(payloads);
    for (let at = 0; at < bytes.length; at += at > 200 && at < bytes.length - 300 ? 97 : 1) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      expect(() => readAll(damaged), `byte ${at}`).toThrow(CorruptedError);
    }
  });

  test("notices that it is cut off, and another message where one should be", () => {
    const { builder, bytes } = build(payloads);
    for (const length of [0, 10, 39, 40, 100, bytes.length - 1]) {
      expect(() => readAll(bytes.subarray(0, length))).toThrow(CorruptedError);
    }
    expect(() => readOne(bytes, builder.starts[1] ?? 0, 104)).toThrow(CorruptedError);
    expect(() => readOne(bytes, bytes.length, 104)).toThrow(CorruptedError);
    expect(() => readOne(bytes.subarray(0, 20), 0, 100)).toThrow(CorruptedError);
  });
});
