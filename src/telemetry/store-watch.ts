import type { StoreFault, StoreFaultKind, StoreObserver } from "../bus/store-port.ts";
import type { Health } from "./health.ts";
import type { Logger } from "./logger.ts";
import type { StoreCounters } from "./store-counters.ts";

/** What a watch tells of the store, and asks it. */
export interface StoreWatchParts {
  readonly counters: StoreCounters;
  readonly health: Health;
  readonly logger: Logger;
  /** Why the store cannot write now; `null` while it can. */
  fault(): StoreFault | null;
  /** Milliseconds; may step. */
  now(): number;
}

/** A disk that cannot be read fails with every reader that asks: one line a kind in this time says so. */
const READ_ERROR_INTERVAL_MS = 60_000;

/**
 * What the store reports, told to the operator: numbers for each report, one line of the log when the
 * store stops writing and one when it goes on, and readiness in between.
 */
export class StoreWatch implements StoreObserver {
  readonly #parts: StoreWatchParts;
  /** Kinds of the fault that lasts, as it may change its mind about them. */
  readonly #toldKinds = new Set<StoreFaultKind>();
  readonly #readErrorsToldAt = new Map<StoreFaultKind, number>();

  constructor(parts: StoreWatchParts) {
    this.#parts = parts;
  }

  committed(messages: number, bytes: number, seconds: number): void {
    this.#parts.counters.committed(messages, bytes, seconds);
  }

  failed(failure: StoreFault): void {
    const { counters, health, logger } = this.#parts;
    counters.failed(failure.kind);
    const fault = this.#parts.fault();
    // A failed read keeps nobody from publishing; who reads is told a gap.
    if (fault === null || fault.kind !== failure.kind) {
      this.#readFailed(failure);
      return;
    }
    health.setReason("store", `the store cannot write: ${fault.text}`);
    if (this.#toldKinds.has(fault.kind)) return;
    this.#toldKinds.add(fault.kind);
    logger.error("store failed", { kind: fault.kind, reason: fault.text });
  }

  healed(): void {
    const { health, logger } = this.#parts;
    this.#toldKinds.clear();
    health.setReason("store", null);
    logger.info("store works again");
  }

  #readFailed({ kind, text }: StoreFault): void {
    const now = this.#parts.now();
    const toldAt = this.#readErrorsToldAt.get(kind) ?? Number.NEGATIVE_INFINITY;
    if (now - toldAt < READ_ERROR_INTERVAL_MS && now >= toldAt) return;
    this.#readErrorsToldAt.set(kind, now);
    this.#parts.logger.error("store cannot be read", { kind, reason: text });
  }
}
