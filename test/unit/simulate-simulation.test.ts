import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { buildPlant } from "../../src/simulate/plant.ts";
import { type DeviceLink, Simulation } from "../../src/simulate/simulation.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function linkThat(publish: DeviceLink["publish"]): DeviceLink {
  return { publish, close: async () => undefined };
}

/** Published topics of one device run for `seconds` of plant time at `rateFactor`. */
async function runFor(seconds: number, rateFactor: number): Promise<string[]> {
  const topics: string[] = [];
  const simulation = new Simulation(rateFactor);
  for (const device of buildPlant("plant", 6, 1)) {
    simulation.start(
      device,
      linkThat(async (topic) => {
        topics.push(topic);
      }),
    );
  }
  await vi.advanceTimersByTimeAsync((seconds * 1_000) / rateFactor);
  await simulation.stop();
  expect(simulation.tally.published).toBe(topics.length);
  return topics;
}

test("sensors speak at their own rates", async () => {
  const topics = await runFor(100, 1);
  const count = (kind: string) => topics.filter((topic) => topic.endsWith(`/${kind}`)).length;
  expect(count("temperature")).toBeGreaterThanOrEqual(99);
  expect(count("temperature")).toBeLessThanOrEqual(100);
  expect(count("vibration")).toBeGreaterThan(490);
  expect(count("counter")).toBeLessThanOrEqual(50);
});

test("the rate factor speeds the same plant up", async () => {
  const slow = await runFor(50, 1);
  const fast = await runFor(50, 10);
  // Timers count whole milliseconds, so the last few readings may fall on either side of the end.
  expect(Math.abs(slow.length - fast.length)).toBeLessThan(slow.length * 0.1);
});

test("a refused reading is counted, its cause kept, and the plant goes on", async () => {
  const simulation = new Simulation(1);
  const [device] = buildPlant("plant", 1, 1);
  let calls = 0;
  const link = linkThat(async () => {
    calls += 1;
    if (calls === 1) throw new Error("refused");
  });
  if (device !== undefined) simulation.start(device, link);
  await vi.advanceTimersByTimeAsync(5_000);
  await simulation.stop();
  expect(simulation.tally).toMatchObject({ failed: 1, published: calls - 1 });
  expect(calls).toBeGreaterThan(3);
  expect(simulation.lastFailure).toEqual(new Error("refused"));
});

test("a gateway that answers nothing does not make publishes pile up", async () => {
  const simulation = new Simulation(1);
  const [device] = buildPlant("plant", 1, 1);
  let calls = 0;
  const answers: (() => void)[] = [];
  const link = linkThat(() => {
    calls += 1;
    return new Promise((resolve) => answers.push(resolve));
  });
  if (device !== undefined) simulation.start(device, link);
  await vi.advanceTimersByTimeAsync(200_000);
  expect(calls).toBe(64);
  expect(simulation.tally.failed).toBeGreaterThan(100);
  for (const answer of answers) answer();
  await simulation.stop();
  expect(vi.getTimerCount()).toBe(0);
});
