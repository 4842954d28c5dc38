import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { StoreFault, StoreObserver } from "../../src/bus/store-port.ts";
import { LmdbStore, type LmdbStoreOptions } from "../../src/store/lmdb/lmdb-store.ts";
import { EPOCH, TEST_WINDOW } from "./bus-kit.ts";
import { FakeClock } from "./fake-clock.ts";

/** Beside the sources, so that it is the disk that is tested, and not a file system in memory. */
const TEMPORARY_PREFIX = ".test-store-";

/** A directory that is removed when the test is over. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(process.cwd(), TEMPORARY_PREFIX));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Takes note of what a store reports. */
export class RecordingObserver implements StoreObserver {
  readonly faults: StoreFault[] = [];
  committedMessages = 0;
  commits = 0;
  heals = 0;

  committed(messages: number): void {
    this.commits += 1;
    this.committedMessages += messages;
  }

  failed(fault: StoreFault): void {
    this.faults.push(fault);
  }

  healed(): void {
    this.heals += 1;
  }
}

/** A store that is open, and closed when the test is over. */
export async function openLmdbStore(
  options: Partial<LmdbStoreOptions> & { readonly directory: string },
): Promise<LmdbStore> {
  const store = new LmdbStore({
    epoch: EPOCH,
    clock: new FakeClock(),
    observer: new RecordingObserver(),
    durability: "flush",
    tail: TEST_WINDOW,
    disk: { maxMessages: 1_000_000, maxBytes: 1e9, maxAgeMs: Number.POSITIVE_INFINITY },
    isQos0Stored: false,
    maxPendingBytes: 16_777_216,
    ...options,
  });
  await store.open();
  onTestFinished(() => store.close());
  return store;
}
