import type { Device, PlacedSensor } from "./plant.ts";
import type { Reading } from "./sensor.ts";

/** How one device reaches the gateway. */
export interface DeviceLink {
  /** Resolves when acknowledged as far as the transport does; rejects when refused. */
  publish(topic: string, reading: Reading): Promise<void>;
  /** Leaves as a device that is switched off properly: sets the status, fires no will. */
  close(): Promise<void>;
}

/** What a running plant has done so far. */
export interface Tally {
  readonly published: number;
  readonly failed: number;
  readonly bytes: number;
}

/** Publishes that one device may have unanswered; past it the reading is skipped and counted failed. */
const MAX_PENDING_PER_DEVICE = 64;

/** Lets the sensors of connected devices speak, each at its own rate, until stopped. */
export class Simulation {
  readonly #rateFactor: number;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #pending = new Set<Promise<void>>();
  #published = 0;
  #failed = 0;
  #bytes = 0;
  #lastFailure: unknown = null;

  /** `rateFactor` speeds the plant up: at 10, a second of plant time takes 100 ms. */
  constructor(rateFactor: number) {
    this.#rateFactor = rateFactor;
  }

  get tally(): Tally {
    return { published: this.#published, failed: this.#failed, bytes: this.#bytes };
  }

  /** What the latest failed publish failed of; `null` while none has. */
  get lastFailure(): unknown {
    return this.#lastFailure;
  }

  start(device: Device, link: DeviceLink): void {
    const load = { pending: 0 };
    for (const placed of device.sensors) {
      this.#schedule(placed, placed.firstAfterSeconds, link, load);
    }
  }

  /** No further readings; resolves when those under way are answered. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    await Promise.all(this.#pending);
  }

  #schedule(
    placed: PlacedSensor,
    afterSeconds: number,
    link: DeviceLink,
    load: { pending: number },
  ): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        const reading = placed.sensor();
        this.#schedule(placed, reading.nextAfterSeconds, link, load);
        this.#publish(placed.topic, reading, link, load);
      },
      (afterSeconds * 1_000) / this.#rateFactor,
    );
    this.#timers.add(timer);
  }

  #publish(topic: string, reading: Reading, link: DeviceLink, load: { pending: number }): void {
    if (load.pending >= MAX_PENDING_PER_DEVICE) {
      this.#failed += 1;
      this.#lastFailure = new Error(`${load.pending} publishes are unanswered; reading skipped`);
      return;
    }
    load.pending += 1;
    const done = link
      .publish(topic, reading)
      .then(
        () => {
          this.#published += 1;
          this.#bytes += reading.payload.length;
        },
        (cause: unknown) => {
          this.#failed += 1;
          this.#lastFailure = cause;
        },
      )
      .finally(() => {
        load.pending -= 1;
        this.#pending.delete(done);
      });
    this.#pending.add(done);
  }
}
