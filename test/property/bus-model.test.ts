import fc from "fast-check";
import { describe, test } from "vitest";
import { OVERFLOW_POLICIES } from "../../src/bus/overflow.ts";
import type { Start } from "../../src/bus/subscription.ts";
import { filterText } from "../support/arbitraries.ts";
import { BusWorld } from "../support/bus-world.ts";

const TOPICS = ["a", "a/b", "b", "ab/a/b"];

const publish = fc.record({
  do: fc.constant("publish" as const),
  topic: fc.constantFrom(...TOPICS),
  size: fc.nat(6),
  retain: fc.boolean(),
  expiry: fc.constantFrom(undefined, undefined, undefined, 1, 2),
});
const subscribe = fc.record({
  do: fc.constant("subscribe" as const),
  reader: fc.nat(),
  filters: fc.array(fc.oneof(filterText, fc.constantFrom("#", "a/+", ...TOPICS)), {
    minLength: 1,
    maxLength: 3,
  }),
  from: fc.constantFrom("now", "earliest", "cursor", "cursor", "earlier epoch"),
  behind: fc.integer({ min: -2, max: 12 }),
  overflow: fc.constantFrom(...OVERFLOW_POLICIES),
  retained: fc.boolean(),
});
const pull = fc.record({
  do: fc.constant("pull" as const),
  reader: fc.nat(),
  room: fc.oneof(fc.nat(20), fc.constant(Number.POSITIVE_INFINITY)),
});
const step = fc.oneof(
  { weight: 12, arbitrary: publish },
  { weight: 4, arbitrary: subscribe },
  { weight: 6, arbitrary: pull },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("open" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom(...(["unsubscribe", "drop", "resume"] as const)),
      reader: fc.nat(),
      at: fc.nat(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.nat(1_500) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("toggle" as const), topic: fc.constantFrom(...TOPICS) }),
  },
);
const round = fc.array(step, { maxLength: 100, size: "max" });

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function run(world: BusWorld, each: Step): void {
  if (each.do === "open") world.open();
  else if (each.do === "publish") world.publish(each.topic, each.size, each.retain, each.expiry);
  else if (each.do === "advance") world.advance(each.ms);
  else if (each.do === "toggle") toggle(world.denied, each.topic);
  else {
    const reader = world.readers[each.reader % 3] ?? world.open();
    if (each.do === "pull") world.pull(reader, each.room);
    else if (each.do === "unsubscribe") world.unsubscribe(reader, each.at % 3);
    else if (each.do === "drop") world.drop(reader);
    else if (each.do === "resume") world.resume(reader);
    else if (each.do === "subscribe") {
      world.subscribe(reader, { ...each, start: startOf(world, each.from, each.behind) });
    }
  }
}

function startOf(world: BusWorld, from: string, behind: number): Start {
  if (from === "now" || from === "earliest") return { from };
  const epoch = from === "cursor" ? world.epoch : world.earlierEpoch;
  return { from: "cursor", epoch, offset: Math.max(0, world.last - behind) };
}

function toggle(names: Set<string>, name: string): void {
  if (!names.delete(name)) names.add(name);
}

describe("the bus against its model", () => {
  test("gives each reader everything once, in order, or states exactly what is missing", () => {
    fc.assert(
      fc.property(fc.array(round, { minLength: 1, maxLength: 2 }), (rounds) => {
        const world = new BusWorld();
        rounds.forEach((steps, index) => {
          if (index > 0) world.restart();
          for (const each of steps) {
            run(world, each);
            world.check();
          }
        });
        for (const reader of world.readers) world.pull(reader, Number.POSITIVE_INFINITY);
        world.check();
      }),
      { numRuns: 250 },
    );
  });
});
