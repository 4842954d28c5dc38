import { Telemetry } from "../src/telemetry/telemetry.ts";
import { readClock, TickClock } from "../src/telemetry/tick-clock.ts";
import { NOTHING, nextTurn, type TelemetryMode } from "./telemetry-rig.ts";

/**
 * What one publisher and one reader have telemetry do, without the gateway around it: one stamp and
 * one count a message, one report a run of equal stamps, one hand-over a turn. What it takes more
 * with telemetry on is the recording itself; what the rig takes more is that and what the processor
 * and the compiler make of it among everything else.
 */
export class CallsRig {
  readonly #batch: number;
  readonly #clock = new TickClock();
  readonly #telemetry: Telemetry | null;
  readonly #stamps: Float64Array;

  constructor(mode: TelemetryMode, batch: number) {
    const clock = this.#clock;
    this.#batch = batch;
    this.#stamps = new Float64Array(batch);
    this.#telemetry = mode === "on" ? new Telemetry({ clock, readNow: readClock }) : null;
  }

  async run(messages: number): Promise<void> {
    for (let sent = 0; sent < messages; sent += this.#batch) {
      const receivedAt = this.#clock.now();
      this.#accept();
      await nextTurn();
      this.#deliver(receivedAt);
    }
  }

  /** Throws when something was not counted. */
  check(): void {
    if (this.#telemetry === null) return;
    const received = this.#telemetry.counters.receivedSeries()[0]?.count ?? 0;
    const timed = this.#telemetry.deliveries.pairSeries()[0]?.histogram.count ?? 0;
    if (received === 0 || received !== timed) {
      throw new Error(`telemetry counted ${received} messages and timed ${timed}`);
    }
  }

  #accept(): void {
    const observer = this.#telemetry ?? NOTHING;
    const clock = this.#clock;
    for (let i = 0; i < this.#batch; i += 1) {
      this.#stamps[i] = this.#telemetry === null ? clock.now() : clock.precise();
      observer.accepted("mqtt", 0);
    }
  }

  #deliver(receivedAt: number): void {
    const observer = this.#telemetry ?? NOTHING;
    let acceptedAt = this.#stamps[0] ?? 0;
    let count = 0;
    for (const stamp of this.#stamps) {
      if (stamp !== acceptedAt) {
        observer.delivered("mqtt", "websocket", 0, receivedAt, acceptedAt, count);
        acceptedAt = stamp;
        count = 0;
      }
      count += 1;
    }
    observer.delivered("mqtt", "websocket", 0, receivedAt, acceptedAt, count);
    observer.handedOver();
  }
}
