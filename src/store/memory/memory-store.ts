import type { MessageLog, RetainedStore } from "../../bus/ports.ts";
import type { Store, StoreState } from "../../bus/store-port.ts";
import { VOLATILE_KEYS, VOLATILE_SESSIONS } from "../../bus/volatile-stores.ts";
import { MemoryRetainedStore } from "./retained-store.ts";

const NOTHING_KEPT: StoreState = Object.freeze({
  logMessages: 0,
  logBytes: 0,
  fileBytes: 0,
  oldestAcceptedAt: null,
  pendingBytes: 0,
  recoverySeconds: 0,
  fault: null,
});

/** A store that ends with the process. */
export class MemoryStore implements Store {
  readonly log: MessageLog;
  readonly retained: RetainedStore;
  readonly sessions = VOLATILE_SESSIONS;
  readonly keys = VOLATILE_KEYS;

  constructor(log: MessageLog, retained: RetainedStore = new MemoryRetainedStore()) {
    this.log = log;
    this.retained = retained;
  }

  async open(): Promise<void> {
    return;
  }

  async close(): Promise<void> {
    return;
  }

  readState(): StoreState {
    return NOTHING_KEPT;
  }
}
