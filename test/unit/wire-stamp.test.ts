import { describe, expect, test } from "vitest";
import {
  newStampPayload,
  readStamp,
  STAMP_BYTES,
  writeSentTime,
  writeStamp,
} from "../../src/wire/stamp.ts";

const STAMP = { run: 1, stream: 2, sequence: 3, intendedNs: 4, sentNs: 5 };

describe("a stamp", () => {
  test("is 42 bytes, its digits the highest first", () => {
    const payload = newStampPayload(STAMP_BYTES);
    writeStamp(payload, { ...STAMP, sequence: 65, sentNs: 2 ** 53 });
    expect(new TextDecoder().decode(payload)).toBe("trb1AAAAABAAAAACAAAABBAAAAAAAAAEAgAAAAAAAA");
  });

  test("has its sent time written last, the rest untouched", () => {
    const payload = newStampPayload(64);
    writeStamp(payload, STAMP);
    writeSentTime(payload, 99);
    expect(readStamp(payload)).toEqual({ ...STAMP, sentNs: 99 });
  });

  test("is told from a payload that has none", () => {
    expect(readStamp(newStampPayload(64))).toBe(null);
    expect(readStamp(new Uint8Array(0))).toBe(null);
    const payload = newStampPayload(STAMP_BYTES);
    writeStamp(payload, STAMP);
    expect(readStamp(payload.subarray(0, STAMP_BYTES - 1))).toBe(null);
    for (const index of [0, 4, 10, 16, 22, 41]) {
      const damaged = payload.slice();
      damaged[index] = 0x20;
      expect(readStamp(damaged)).toBe(null);
    }
  });

  test("with an integer of more than 32 bits where 32 belong is none", () => {
    const payload = newStampPayload(STAMP_BYTES);
    writeStamp(payload, STAMP);
    payload[4] = "_".charCodeAt(0);
    expect(readStamp(payload)).toBe(null);
  });

  test.each([
    ["run", -1],
    ["stream", 2 ** 32],
    ["sequence", 0.5],
    ["intendedNs", 2 ** 60],
    ["sentNs", Number.NaN],
  ])("with %s of %d is not written", (field, value) => {
    expect(() => writeStamp(newStampPayload(64), { ...STAMP, [field]: value })).toThrow(RangeError);
  });

  test("needs a payload it fits in", () => {
    expect(() => newStampPayload(STAMP_BYTES - 1)).toThrow(RangeError);
    expect(() => writeStamp(new Uint8Array(STAMP_BYTES - 1), STAMP)).toThrow(RangeError);
  });
});
