import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OffsetQueue } from "../../src/bus/offset-queue.ts";
import { BoundedQueue } from "../../src/bus/overflow.ts";
import { topic } from "../support/bus-kit.ts";

const NAMES = ["a", "b", "c"].map(topic);

describe("OffsetQueue", () => {
  test("is a queue of rising offsets", () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 1, max: 5 }) },
      { weight: 4, arbitrary: fc.constant("shift" as const) },
      { weight: 1, arbitrary: fc.constant("clear" as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: "max" }), fc.nat(400), (steps, probe) => {
        const queue = new OffsetQueue();
        let model: number[] = [];
        let offset = 0;
        for (const each of steps) {
          if (each === "shift") {
            expect(queue.shift()).toBe(model.shift() ?? Number.POSITIVE_INFINITY);
          } else if (each === "clear") {
            queue.clear();
            model = [];
          } else {
            offset += each;
            queue.push(offset);
            model.push(offset);
          }
          expect(queue.length).toBe(model.length);
          expect(queue.peek()).toBe(model[0] ?? Number.POSITIVE_INFINITY);
          expect(queue.countThrough(probe)).toBe(model.filter((o) => o <= probe).length);
          expect(model.map((_, i) => queue.at(i))).toEqual(model);
        }
      }),
      { numRuns: 80 },
    );
  });
});

interface Entry {
  readonly offset: number;
  readonly bytes: number;
  readonly name: number;
}

describe("BoundedQueue", () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ bytes: fc.nat(20), name: fc.nat(NAMES.length - 1) }),
    },
    { weight: 2, arbitrary: fc.constant("shift" as const) },
    { weight: 1, arbitrary: fc.constant("conflate" as const) },
    { weight: 1, arbitrary: fc.constant("clear" as const) },
  );

  test("counts messages and bytes right in both of its modes", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: "max" }), (steps) => {
        const all: Entry[] = [];
        const queue = new BoundedQueue(
          { maxMessages: 5, maxBytes: 40 },
          {
            sizeAt: (offset) => all[offset - 1]?.bytes ?? 0,
            topicAt: (offset) => NAMES[all[offset - 1]?.name ?? 0],
          },
        );
        let model: Entry[] = [];
        let isLatest = false;
        for (const each of steps) {
          if (each === "shift") {
            const taken = model.shift();
            expect(queue.shift()).toBe(taken?.offset ?? Number.POSITIVE_INFINITY);
            if (model.length === 0) isLatest = false;
          } else if (each === "clear") {
            queue.clear();
            model = [];
            isLatest = false;
          } else if (each === "conflate") {
            if (model.length === 0) continue;
            const kept = model.filter(
              (entry) => !model.some((o) => o.name === entry.name && o.offset > entry.offset),
            );
            const replaced = model.filter((entry) => !kept.includes(entry));
            expect([...queue.conflate()].sort((a, b) => a - b)).toEqual(
              replaced.map((entry) => entry.offset),
            );
            model = kept;
            isLatest = true;
          } else {
            const entry = { ...each, offset: all.length + 1 };
            const hasRoom =
              model.length === 0 || (model.length < 5 && sum(model) + entry.bytes <= 40);
            expect(queue.hasRoomFor(entry.bytes)).toBe(hasRoom);
            all.push(entry);
            const older = isLatest ? model.find((o) => o.name === entry.name) : undefined;
            const name = NAMES[entry.name] ?? topic("a");
            expect(queue.push(entry.offset, entry.bytes, name)).toBe(older?.offset ?? 0);
            model = [...model.filter((o) => o !== older), entry];
          }
          expect([...queue.offsets()]).toEqual(model.map((entry) => entry.offset));
          expect([queue.length, queue.bytes]).toEqual([model.length, sum(model)]);
          expect(queue.peek()).toBe(model[0]?.offset ?? Number.POSITIVE_INFINITY);
          expect(queue.isWithinLimits).toBe(model.length <= 5 && sum(model) <= 40);
        }
      }),
      { numRuns: 150 },
    );
  });
});

function sum(entries: readonly Entry[]): number {
  return entries.reduce((total, entry) => total + entry.bytes, 0);
}
