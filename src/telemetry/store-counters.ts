import { STORE_FAULT_KINDS, type StoreFaultKind } from "../bus/store-port.ts";
import type { CountedSeries } from "./counters.ts";
import { Histogram } from "./histogram.ts";

const NANOSECONDS_PER_SECOND = 1e9;

/** What the store has written and where it failed. One call a group commit, so objects are cheap. */
export class StoreCounters {
  /** Nanoseconds from a commit's oldest append until it was durable. */
  readonly commitTimes = new Histogram();
  /** Messages in a commit; exact up to 64, as the histogram is. */
  readonly commitMessages = new Histogram();
  #writtenBytes = 0;
  readonly #errors = new Map<StoreFaultKind, number>();

  /** Bytes of messages made durable since the start. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** A commit without messages, of sessions or retention alone, has nobody who waited since an append. */
  committed(messages: number, bytes: number, seconds: number): void {
    if (messages === 0) return;
    this.commitTimes.record(seconds * NANOSECONDS_PER_SECOND);
    this.commitMessages.record(messages);
    this.#writtenBytes += bytes;
  }

  failed(kind: StoreFaultKind): void {
    this.#errors.set(kind, (this.#errors.get(kind) ?? 0) + 1);
  }

  /** Failed writes and reads by `reason`, zeros included: the first one is then an increase. */
  errorSeries(): CountedSeries[] {
    return STORE_FAULT_KINDS.map((reason) => ({
      labels: { reason },
      count: this.#errors.get(reason) ?? 0,
    }));
  }
}
