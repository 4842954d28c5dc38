import { writeStamp } from "../../wire/stamp.ts";
import { DRIVERS } from "../driver/drivers.ts";
import type { Targets } from "../driver/driver.ts";
import { monotonicNs } from "../pacer.ts";
import { readingsPayload } from "../payload.ts";
import type { IngressName } from "../plan.ts";
import type { PlanPoint } from "../plan-points.ts";
import { EnduringPublisher } from "./enduring-publisher.ts";

/** Messages of one publisher in a run: what is kept of each is a few numbers. */
const MAX_MESSAGES = 1_000_000;

/** One publisher of the run and what it sent. */
export interface Sender {
  readonly ingress: IngressName;
  readonly publisher: EnduringPublisher;
  readonly topic: string;
  /** When each message was first sent. */
  readonly sentNs: number[];
}

/** Publishers at the plan's rate for as long as they are let. */
export class SemanticsSenders {
  readonly senders: readonly Sender[];
  readonly #point: PlanPoint;
  readonly #run: number;
  readonly #payload: Uint8Array;
  #timer: NodeJS.Timeout | null = null;

  constructor(point: PlanPoint, targets: Targets, run: number, topicBase: string) {
    this.#point = point;
    this.#run = run;
    this.#payload = readingsPayload(point.payloadBytes, point.seed);
    this.senders = point.ingress.map((ingress) => ({
      ingress,
      topic: `${topicBase}/${ingress}`,
      sentNs: [],
      publisher: new EnduringPublisher({
        open: DRIVERS.publishers[ingress],
        context: { targets, factors: point, clientId: `publisher-${ingress}-${run.toString(36)}` },
      }),
    }));
  }

  async start(): Promise<void> {
    for (const { publisher } of this.senders) await publisher.start();
    const intervalMs = 1_000 / this.#point.ratePerSecond;
    const startedMs = performance.now();
    let due = 0;
    const turn = (): void => {
      // What a late timer missed is made good for, so that the rate is the plan's.
      for (; startedMs + due * intervalMs <= performance.now(); due += 1) this.#sendAll();
      this.#timer = setTimeout(turn, startedMs + due * intervalMs - performance.now());
    };
    turn();
  }

  /** Sends no more, and resolves when all is acknowledged or the time is up. */
  async finish(timeoutMs: number): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    let timer: NodeJS.Timeout | null = null;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([Promise.all(this.senders.map(({ publisher }) => publisher.idle())), late]);
    if (timer !== null) clearTimeout(timer);
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    await Promise.allSettled(this.senders.map(({ publisher }) => publisher.close()));
  }

  #sendAll(): void {
    for (const [stream, { publisher, topic, sentNs }] of this.senders.entries()) {
      if (sentNs.length >= MAX_MESSAGES) continue;
      const payload = this.#payload.slice();
      const nowNs = monotonicNs();
      const sequence = sentNs.length;
      const times = { intendedNs: nowNs, sentNs: nowNs };
      writeStamp(payload, { run: this.#run, stream, sequence, ...times });
      if (publisher.send(sequence, topic, payload)) sentNs.push(nowNs);
    }
  }
}
