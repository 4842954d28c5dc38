import { describe, expect, test } from "vitest";
import { type DiskRecording, readRecording } from "../support/fault/disk-recording.ts";
import { buildImage, chooseCuts, isDurable } from "../support/fault/power-cut.ts";
import { quotedBytes } from "../support/fault/strace-text.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const PATH = "/d/data.mdb";

function trace(...calls: string[]): string {
  return calls.map((call) => `7 1.5 ${call}`).join("\n");
}

const OPEN = [
  `openat(AT_FDCWD</d>, "${PATH}", O_RDWR|O_CREAT, 0664) = 19<${PATH}>`,
  `openat(AT_FDCWD</d>, "${PATH}", O_WRONLY|O_DSYNC|O_CLOEXEC) = 20<${PATH}>`,
];

describe("a recording of the store's file", () => {
  test("gives each write its place: its own, or that of the descriptor", () => {
    const { writes } = readRecording(
      trace(
        ...OPEN,
        `pwrite64(19<${PATH}>, "ab\\0\\12\\"", 5, 8192) = 5`,
        `lseek(19<${PATH}>, 4096, SEEK_SET) = 4096`,
        `writev(19<${PATH}>, [{iov_base="cd", iov_len=2}, {iov_base="e", iov_len=1}], 2) = 3`,
        `write(19<${PATH}>, "f", 1) = 1`,
        `pwrite64(20<${PATH}>, "m", 1, 40) = 1`,
      ),
      PATH,
    );
    const facts = writes.map(({ offset, bytes, isSynced }) => {
      return [offset, bytes.toString("latin1"), isSynced];
    });
    expect(facts).toEqual([
      [8192, 'ab\0\n"', false],
      [4096, "cde", false],
      [4099, "f", false],
      [40, "m", true],
    ]);
  });

  test("joins calls that another thread's came between, with both their ends", () => {
    const text = [
      ...OPEN.map((call) => `7 1.5 ${call}`),
      `7 1.6 fdatasync(19<${PATH}> <unfinished ...>`,
      `8 1.6 write(30<TCP:[127.0.0.1:80->127.0.0.1:5]>, "ok", 2) = 2`,
      "7 1.7 <... fdatasync resumed>) = 0",
    ].join("\n");
    const { syncs, sockets } = readRecording(text, PATH);
    expect(syncs).toEqual([{ startedAt: 2, endedAt: 4 }]);
    expect(sockets).toEqual([{ port: 80, bytes: Buffer.from("ok"), startedAt: 3 }]);
  });

  test("takes a sync that failed for none", () => {
    const failed = `fdatasync(19<${PATH}>) = -1 EIO (Input/output error)`;
    expect(readRecording(trace(...OPEN, failed), PATH).syncs).toEqual([]);
  });

  test("refuses to go on when a call is not understood or a string was cut short", () => {
    const cut = `ftruncate(19<${PATH}>, 0) = 0`;
    expect(() => readRecording(trace(...OPEN, cut), PATH)).toThrow("no model of ftruncate");
    expect(() => quotedBytes('19, "ab"..., 5')).toThrow("cut a string short");
  });
});

/** Page 0 is synced, page 1 and the two pages at 2 are not, then a synced write into page 0. */
const RECORDING: DiskRecording = {
  writes: [
    { offset: 0, bytes: Buffer.alloc(4_096, 1), isSynced: false, startedAt: 0, endedAt: 0 },
    { offset: 4_096, bytes: Buffer.alloc(4_096, 2), isSynced: false, startedAt: 2, endedAt: 2 },
    { offset: 8_192, bytes: Buffer.alloc(8_192, 3), isSynced: false, startedAt: 3, endedAt: 5 },
    { offset: 10, bytes: Buffer.alloc(10, 4), isSynced: true, startedAt: 7, endedAt: 7 },
  ],
  syncs: [
    { startedAt: 1, endedAt: 1 },
    { startedAt: 4, endedAt: 6 },
  ],
  sockets: [],
};

function imageAt(at: number, fate: Parameters<typeof buildImage>[1]["fate"], seed = 1): Buffer {
  return buildImage(RECORDING, { at, fate }, new SeededRandom(seed));
}

/** The first byte of each page, and how many pages there are. */
function pages(image: Buffer): number[] {
  return Array.from({ length: image.length / 4_096 }, (_, page) => image[page * 4_096] ?? -1);
}

describe("an image after a power cut", () => {
  test("holds what a sync covers that began after the write and ended before the cut", () => {
    expect(pages(imageAt(5, "none"))).toEqual([1]);
    // The second sync began while the third write went on: it covers the second only.
    expect(pages(imageAt(6, "none"))).toEqual([1, 2]);
  });

  test("holds a write through O_DSYNC from its end on", () => {
    expect(imageAt(6, "none")[10]).toBe(1);
    expect(imageAt(7, "none")[10]).toBe(4);
  });

  test("may hold all that was begun", () => {
    expect(pages(imageAt(3, "all"))).toEqual([1, 2, 3, 3]);
  });

  test("loses any of the others whole, or page by page, leaving zeros", () => {
    const seeds = Array.from({ length: 64 }, (_, seed) => seed);
    const kinds = (fate: "whole writes" | "torn writes") =>
      new Set(seeds.map((seed) => pages(imageAt(5, fate, seed)).join()));
    expect([...kinds("whole writes")].sort()).toEqual(["1", "1,0,3,3", "1,2", "1,2,3,3"]);
    expect([...kinds("torn writes")].sort()).toEqual([
      ...["1", "1,0,0,3", "1,0,3", "1,0,3,3", "1,2", "1,2,0,3", "1,2,3", "1,2,3,3"],
    ]);
  });

  test("is durable only when a whole sync lies between the write and the cut", () => {
    const third = RECORDING.writes[2];
    expect(third && isDurable(third, RECORDING, 100)).toBe(false);
  });

  test("is cut just before and just after something becomes durable", () => {
    const cuts = chooseCuts(RECORDING, 1, 40, new SeededRandom(1));
    expect(new Set(cuts.map(({ at }) => at))).toEqual(new Set([5, 6, 7]));
    expect(new Set(cuts.map(({ fate }) => fate)).size).toBe(4);
  });
});
