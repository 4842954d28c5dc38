import { Histogram } from "../telemetry/histogram.ts";
import { writeSentTime, writeStamp } from "../wire/stamp.ts";
import type { Outgoing, Publisher } from "./driver/driver.ts";
import { type BlockSetup, blockTopic, type SendReport } from "./load.ts";
import { monotonicNs, pace } from "./pacer.ts";
import { readingsPayload } from "./payload.ts";
import { Schedule, type Shot } from "./schedule.ts";

/** When a block's messages are due. */
export function blockSchedule(setup: BlockSetup): Schedule {
  const { ratePerSecond, batchSize, leadInSeconds, windowSeconds } = setup;
  const publishers = setup.design.publishers.length;
  return new Schedule({
    publishers,
    ratePerSecond,
    batchSize,
    warmUpSeconds: leadInSeconds,
    windowSeconds,
  });
}

/** Sends one block's messages on time and keeps count of what was late or refused. */
export class LoadSender {
  readonly #setup: BlockSetup;
  readonly #schedule: Schedule;
  readonly #publishers: ReadonlyMap<number, Publisher>;
  readonly #onFailure: (cause: Error) => void;
  readonly #payload: Uint8Array;
  readonly #sendDelay = new Histogram();
  #lateSends = 0;
  #publishFailures = 0;
  #batch: Outgoing[] = [];

  /** @param publishers by their position in the block; those of other processes are not in it. */
  constructor(
    setup: BlockSetup,
    publishers: ReadonlyMap<number, Publisher>,
    onFailure: (cause: Error) => void,
  ) {
    this.#setup = setup;
    this.#schedule = blockSchedule(setup);
    this.#publishers = publishers;
    this.#onFailure = onFailure;
    this.#payload = readingsPayload(setup.payloadBytes, setup.seed);
  }

  /** Resolves when the last message has left. */
  async send(startNs: number, signal: AbortSignal): Promise<SendReport> {
    if (this.#publishers.size > 0) {
      const fire = (shot: Shot): void => this.#fire(shot, startNs);
      await pace(this.#schedule, startNs, fire, signal, this.#setup.pacing);
    }
    return {
      sendDelayP99Ns: this.#sendDelay.quantile(0.99),
      lateSends: this.#lateSends,
    };
  }

  /** Publishes that failed so far. */
  get publishFailures(): number {
    return this.#publishFailures;
  }

  #fire({ publisher: position, sequence, dueAfterNs }: Shot, startNs: number): void {
    const publisher = this.#publishers.get(position);
    if (publisher === undefined) return;
    const { run, batchSize, lateNs } = this.#setup;
    // A copy each: a client library may hold a payload until its socket takes it.
    const payload = this.#payload.slice();
    const intendedNs = startNs + dueAfterNs;
    const sentNs = monotonicNs();
    writeStamp(payload, { run, stream: position, sequence, intendedNs, sentNs });
    if (sequence >= this.#schedule.windowStart) {
      this.#sendDelay.record(Math.max(0, sentNs - intendedNs));
      if (sentNs - intendedNs > lateNs) this.#lateSends += 1;
    }
    const message = { topic: blockTopic(run, position), payload };
    const { publishTogether } = publisher;
    if (batchSize === 1 || publishTogether === undefined) {
      writeSentTime(payload, monotonicNs());
      this.#watch(publisher.publish(message));
      return;
    }
    this.#batch.push(message);
    if (this.#batch.length < batchSize) return;
    this.#watch(publishTogether(this.#batch));
    this.#batch = [];
  }

  #watch(publishing: Promise<void>): void {
    publishing.catch((cause: unknown) => {
      this.#publishFailures += 1;
      this.#onFailure(cause instanceof Error ? cause : new Error(String(cause)));
    });
  }
}
