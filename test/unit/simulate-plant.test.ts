import { describe, expect, test } from "vitest";
import { buildPlant } from "../../src/simulate/plant.ts";
import { Random } from "../../src/simulate/random.ts";
import { createSensor, SENSOR_KINDS } from "../../src/simulate/sensor.ts";

/** Topic and first 50 payloads of every sensor. */
function valuesOf(seed: number): string[] {
  return buildPlant("plant", 20, seed).flatMap((device) =>
    device.sensors.flatMap(({ topic, sensor }) =>
      Array.from({ length: 50 }, () => `${topic} ${Buffer.from(sensor().payload).toString("hex")}`),
    ),
  );
}

describe("a plant", () => {
  test("gives the same values for the same seed, and others for another", () => {
    expect(valuesOf(7)).toEqual(valuesOf(7));
    expect(valuesOf(7)).not.toEqual(valuesOf(8));
  });

  test("a sensor's values do not depend on when the others are asked", () => {
    const [together] = buildPlant("plant", 6, 3);
    const [alone] = buildPlant("plant", 6, 3);
    const last = together?.sensors.at(-1);
    for (const { sensor } of together?.sensors.slice(0, -1) ?? []) sensor();
    expect(last?.sensor()).toEqual(alone?.sensors.at(-1)?.sensor());
  });

  test("has exactly the sensors asked for, each on a topic of its own", () => {
    for (const count of [1, 5, 6, 7, 48, 100]) {
      const sensors = buildPlant("plant", count, 1).flatMap((device) => device.sensors);
      expect(sensors).toHaveLength(count);
      expect(new Set(sensors.map(({ topic }) => topic)).size).toBe(count);
    }
  });

  test("speaks in bare numbers, JSON and binary, some of it retained", () => {
    const types = new Map(
      SENSOR_KINDS.map((kind) => [kind, createSensor(kind, new Random(1))().contentType]),
    );
    expect(types.get("temperature")).toBe("text/plain");
    expect(types.get("power")).toBe("application/json");
    expect(types.get("vibration")).toBe("application/octet-stream");
    expect(createSensor("door", new Random(1))()).toMatchObject({ retain: true, qos: 1 });
    expect(createSensor("vibration", new Random(1))()).toMatchObject({ retain: false, qos: 0 });
  });

  test.each(SENSOR_KINDS)("a %s sensor always has a next reading in finite time", (kind) => {
    const sensor = createSensor(kind, new Random(42));
    for (let i = 0; i < 1_000; i += 1) {
      const { nextAfterSeconds } = sensor();
      expect(nextAfterSeconds).toBeGreaterThan(0);
      expect(nextAfterSeconds).toBeLessThan(600);
    }
  });

  test("a counter never falls", () => {
    const sensor = createSensor("counter", new Random(5));
    const values = Array.from({ length: 500 }, () => Number(Buffer.from(sensor().payload)));
    expect(values).toEqual([...values].sort((a, b) => a - b));
  });

  test("a door alternates between open and closed", () => {
    const sensor = createSensor("door", new Random(5));
    const states = Array.from({ length: 6 }, () => Buffer.from(sensor().payload).toString());
    const other = states[0] === "open" ? "closed" : "open";
    expect(states).toEqual([states[0], other, states[0], other, states[0], other]);
  });
});
