import type { Random } from "./random.ts";

/** What sensors measure; each kind has its own rate, payload form and behaviour. */
export const SENSOR_KINDS = [
  "temperature",
  "pressure",
  "vibration",
  "counter",
  "door",
  "power",
] as const;

export type SensorKind = (typeof SENSOR_KINDS)[number];

/** One value of a sensor, as it is published. */
export interface Reading {
  readonly payload: Uint8Array;
  readonly contentType: string;
  readonly retain: boolean;
  readonly qos: 0 | 1;
  /** Seconds of plant time until this sensor's next reading. */
  readonly nextAfterSeconds: number;
}

/** A sensor: each call gives its next reading, decided by the seed alone and not by when it is asked. */
export type Sensor = () => Reading;

/** Builds a sensor of one kind that draws from `random`. */
export function createSensor(kind: SensorKind, random: Random): Sensor {
  return BUILDERS[kind](random);
}

const BUILDERS: Readonly<Record<SensorKind, (random: Random) => Sensor>> = {
  temperature,
  pressure,
  vibration,
  counter,
  door,
  power,
};

/** A bare number in degrees Celsius, once a second, retained: the value a new dashboard wants at once. */
function temperature(random: Random): Sensor {
  const normal = random.between(18, 75);
  let celsius = normal;
  return () => {
    celsius += (normal - celsius) * 0.05 + random.normal() * 0.2;
    return text(celsius.toFixed(2), { retain: true, nextAfterSeconds: 1 });
  };
}

/** JSON, twice a second, acknowledged: a drifting pressure with the odd surge. */
function pressure(random: Random): Sensor {
  const normal = random.between(2, 8);
  let bar = normal;
  let sequence = 0;
  return () => {
    bar += (normal - bar) * 0.1 + random.normal() * 0.02;
    if (random.next() < 0.002) bar += normal * 0.4;
    sequence += 1;
    return json({ bar: round(bar, 3), sequence }, { qos: 1, nextAfterSeconds: 0.5 });
  };
}

const VIBRATION_SAMPLES = 64;

/** 64 signed 16-bit little-endian samples of acceleration in milli-g, five blocks a second. */
function vibration(random: Random): Sensor {
  const amplitude = random.between(100, 2_000);
  const turn = random.between(0.05, 0.6);
  let phase = 0;
  return () => {
    const payload = new Uint8Array(VIBRATION_SAMPLES * 2);
    const view = new DataView(payload.buffer);
    for (let i = 0; i < VIBRATION_SAMPLES; i += 1) {
      phase += turn;
      const sample = Math.sin(phase) * amplitude + random.normal() * amplitude * 0.1;
      view.setInt16(i * 2, Math.round(sample), true);
    }
    return reading(payload, "application/octet-stream", { nextAfterSeconds: 0.2 });
  };
}

/** A bare, never falling integer every two seconds, retained: pieces made. */
function counter(random: Random): Sensor {
  let pieces = Math.floor(random.between(0, 100_000));
  return () => {
    pieces += Math.floor(random.between(0, 4));
    return text(String(pieces), { retain: true, qos: 1, nextAfterSeconds: 2 });
  };
}

/** `open` or `closed`, only when it changes, retained and acknowledged: nobody repeats it if missed. */
function door(random: Random): Sensor {
  let isOpen = random.next() < 0.3;
  return () => {
    isOpen = !isOpen;
    const nextAfterSeconds = 0.5 + random.exponential(isOpen ? 5 : 20);
    return text(isOpen ? "open" : "closed", { retain: true, qos: 1, nextAfterSeconds });
  };
}

/** JSON of a three-quantity meter once a second; energy only rises. */
function power(random: Random): Sensor {
  const load = random.between(500, 15_000);
  let kilowattHours = random.between(0, 5_000);
  return () => {
    const volts = 230 + random.normal() * 1.5;
    const watts = Math.max(0, load * (0.9 + random.next() * 0.2));
    kilowattHours += watts / 3_600_000;
    const amperes = watts / volts;
    return json(
      {
        watts: round(watts, 1),
        volts: round(volts, 1),
        amperes: round(amperes, 2),
        kilowattHours: round(kilowattHours, 4),
      },
      { nextAfterSeconds: 1 },
    );
  };
}

interface ReadingOptions {
  readonly retain?: boolean;
  readonly qos?: 0 | 1;
  readonly nextAfterSeconds: number;
}

function reading(payload: Uint8Array, contentType: string, options: ReadingOptions): Reading {
  return { payload, contentType, retain: false, qos: 0, ...options };
}

const ENCODER = new TextEncoder();

function text(value: string, options: ReadingOptions): Reading {
  return reading(ENCODER.encode(value), "text/plain", options);
}

function json(value: Readonly<Record<string, number>>, options: ReadingOptions): Reading {
  return reading(ENCODER.encode(JSON.stringify(value)), "application/json", options);
}

function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
