import { expect, test } from "vitest";
import { BlockDesign } from "../../src/compare/block-design.ts";
import { EGRESS_NAMES, INGRESS_NAMES } from "../../src/compare/plan.ts";
import { planPoint } from "../support/plan-point.ts";

const POINT = planPoint({
  ingress: INGRESS_NAMES,
  egress: EGRESS_NAMES,
  repeatedEgress: "sse",
  repeatedIngress: "tcp",
  seed: 42,
});
const BLOCKS = Array.from({ length: 400 }, (_, index) => new BlockDesign(POINT).block(index));

test("each block measures one reader of every egress and a twin of the repeated one", () => {
  for (const { readers, publishers } of BLOCKS) {
    const measured = readers.filter(({ role }) => role === "measured").map(({ name }) => name);
    expect(measured.toSorted()).toEqual(EGRESS_NAMES.toSorted());
    const twins = readers.filter(({ role }) => role === "twin").map(({ name }) => name);
    expect(twins).toEqual(["sse"]);
    expect(readers.map(({ position }) => position)).toEqual(readers.map((_, index) => index));
    expect(publishers.filter(({ role }) => role === "twin")).toMatchObject([{ name: "tcp" }]);
  }
});

test("a block follows from the seed and its index alone", () => {
  expect(new BlockDesign(POINT).block(7)).toEqual(BLOCKS[7]);
  const other = new BlockDesign(planPoint({ ...POINT, seed: 43 })).block(7);
  expect(other.readers).not.toEqual(BLOCKS[7]?.readers);
});

test("every slot stands everywhere equally often", () => {
  const places = new Map<string, number>();
  for (const { readers } of BLOCKS) {
    for (const { name, role, position } of readers) {
      const place = `${name} ${role} ${position}`;
      places.set(place, (places.get(place) ?? 0) + 1);
    }
  }
  // 9 slots in 9 places: 44 expected of 400, standard deviation 6.3; 4.5 of those either way.
  expect(places.size).toBe(81);
  for (const count of places.values()) {
    expect(count).toBeGreaterThan(16);
    expect(count).toBeLessThan(73);
  }
});

test("which of the twins comes first changes sides", () => {
  const earlier = BLOCKS.filter(({ readers }) => {
    const [first] = readers.filter(({ name }) => name === "sse");
    return first?.role === "twin";
  });
  expect(earlier.length).toBeGreaterThan(150);
  expect(earlier.length).toBeLessThan(250);
});

test("a crowd makes up the fan-out and stands among the measured", () => {
  const point = planPoint({ egress: ["sse", "tcp"], fanOut: 10 });
  const { readers } = new BlockDesign(point).block(0);
  expect(readers.filter(({ role }) => role === "crowd")).toHaveLength(18);
  expect(readers.filter(({ role }) => role === "measured")).toHaveLength(2);
});

test("one ingress alone needs no twin", () => {
  const { publishers } = new BlockDesign(planPoint({ ingress: ["http"] })).block(0);
  expect(publishers).toEqual([{ name: "http", role: "measured", position: 0 }]);
});
