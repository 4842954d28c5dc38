import type { Clock } from "../bus/clock.ts";
import type { QoS, TransportName } from "../bus/message.ts";
import type { AcknowledgementRun, Deliveries, DeliveryRun } from "./deliveries.ts";

/** A run that can still grow. */
type Growing = { -readonly [Key in keyof DeliveryRun]: DeliveryRun[Key] };

/** What waits in a connection's buffer; told once the kernel has it. */
export interface PendingHandOver {
  settle(): void;
}

/**
 * What the write that is being put together holds. Flushes start and end within one call, so one
 * instance serves all connections in turn; a message that continues the run of the one before costs
 * five comparisons, and the clock is read once a write.
 */
export class HandOver {
  readonly #deliveries: Deliveries;
  readonly #clock: Clock;
  readonly #readNow: () => number;
  /** Filled up to {@link #used}; kept, so that a flush makes no objects. */
  readonly #runs: Growing[] = [];
  #used = 0;
  #last: Growing = newRun();
  #acknowledgements: AcknowledgementRun[] = [];
  #takenAt = 0;
  /** When the write before this one was with the kernel. */
  #handedAt = 0;

  /**
   * @param clock steps once a callback: tells when the flushes of this turn began.
   * @param readNow reads the time anew, on the same scale.
   */
  constructor(deliveries: Deliveries, clock: Clock, readNow: () => number) {
    this.#deliveries = deliveries;
    this.#clock = clock;
    this.#readNow = readNow;
  }

  add(
    ingress: TransportName,
    egress: TransportName,
    qos: QoS,
    receivedAt: number,
    acceptedAt: number,
    count: number,
  ): void {
    const last = this.#last;
    if (
      last.receivedAt === receivedAt &&
      last.acceptedAt === acceptedAt &&
      last.ingress === ingress &&
      last.egress === egress &&
      last.qos === qos &&
      this.#used > 0
    ) {
      last.count += count;
      return;
    }
    const run = this.#begin();
    run.ingress = ingress;
    run.egress = egress;
    run.qos = qos;
    run.count = count;
    run.receivedAt = receivedAt;
    run.acceptedAt = acceptedAt;
  }

  acknowledge(run: AcknowledgementRun): void {
    this.#acknowledgements.push(run);
  }

  /** The kernel has all that was added. */
  complete(): void {
    const acknowledged = this.#acknowledgements;
    if (this.#used === 0 && acknowledged.length === 0) return;
    const now = this.#readNow();
    this.#handedAt = now;
    if (this.#used > 0) this.#deliveries.delivered(this.#runs, this.#used, this.#takenAt, now);
    for (const run of acknowledged) this.#deliveries.acknowledged(run, now);
    this.discard();
  }

  /** What was added waits in the process; `null` when nothing was. */
  postpone(): PendingHandOver | null {
    const acknowledged = this.#acknowledgements;
    if (this.#used === 0 && acknowledged.length === 0) return null;
    const runs = this.#runs.slice(0, this.#used).map((run) => ({ ...run }));
    const takenAt = this.#takenAt;
    this.#acknowledgements = [];
    this.discard();
    return {
      settle: () => {
        const now = this.#readNow();
        this.#deliveries.delivered(runs, runs.length, takenAt, now);
        for (const run of acknowledged) this.#deliveries.acknowledged(run, now);
      },
    };
  }

  /** Nothing of what was added will be written. */
  discard(): void {
    this.#used = 0;
    if (this.#acknowledgements.length > 0) this.#acknowledgements.length = 0;
  }

  #begin(): Growing {
    if (this.#used === 0) {
      // Connections are flushed one after the other: this one's turn came when the last one's ended.
      this.#takenAt = Math.max(this.#clock.now(), this.#handedAt);
    }
    const run = this.#runs[this.#used] ?? newRun();
    this.#runs[this.#used] = run;
    this.#used += 1;
    this.#last = run;
    return run;
  }
}

function newRun(): Growing {
  return { ingress: "http", egress: "http", qos: 0, count: 0, receivedAt: 0.5, acceptedAt: 0.5 };
}
