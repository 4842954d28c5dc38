import { Random } from "./random.ts";
import { createSensor, SENSOR_KINDS, type Sensor, type SensorKind } from "./sensor.ts";

/** Sensors of one machine: one of each kind. */
const SENSORS_PER_DEVICE = SENSOR_KINDS.length;
const DEVICES_PER_LINE = 4;
const MACHINES = ["press", "lathe", "robot", "oven"] as const;

/** A sensor with its place in the plant. */
export interface PlacedSensor {
  readonly kind: SensorKind;
  readonly topic: string;
  readonly sensor: Sensor;
  /** Seconds of plant time before its first reading, so that a plant does not speak in chorus. */
  readonly firstAfterSeconds: number;
}

/** A machine: one connection to the gateway, several sensors, and a state others can see. */
export interface Device {
  readonly name: string;
  /** Holds `online` while connected; the will sets it to `offline`. Retained. */
  readonly statusTopic: string;
  readonly sensors: readonly PlacedSensor[];
}

/**
 * A plant of `sensorCount` sensors on machines along production lines, under `root`. The same seed
 * gives each place the same values in the same order, whatever the root and the count.
 */
export function buildPlant(root: string, sensorCount: number, seed: number): Device[] {
  const devices: Device[] = [];
  for (let placed = 0; placed < sensorCount; placed += SENSORS_PER_DEVICE) {
    const kinds = SENSOR_KINDS.slice(0, Math.min(SENSORS_PER_DEVICE, sensorCount - placed));
    devices.push(buildDevice(root, devices.length, kinds, seed));
  }
  return devices;
}

function buildDevice(
  root: string,
  index: number,
  kinds: readonly SensorKind[],
  seed: number,
): Device {
  const line = Math.floor(index / DEVICES_PER_LINE) + 1;
  const machine = MACHINES[index % MACHINES.length] ?? "press";
  const below = `line-${line}/${machine}`;
  const place = `${root}/${below}`;
  return {
    name: `line-${line}-${machine}`,
    statusTopic: `${place}/status`,
    sensors: kinds.map((kind) => {
      const topic = `${place}/${kind}`;
      const random = Random.named(seed, `${below}/${kind}`);
      const firstAfterSeconds = random.next();
      return { kind, topic, firstAfterSeconds, sensor: createSensor(kind, random) };
    }),
  };
}
