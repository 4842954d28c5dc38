import type { Clock } from "../../bus/clock.ts";
import {
  type Store,
  StoreError,
  type StoreObserver,
  type StoreState,
} from "../../bus/store-port.ts";
import { type LogWindow, MemoryMessageLog } from "../memory/message-log.ts";
import { CommitQueue } from "./commit-queue.ts";
import { inspectDataFile } from "./data-file.ts";
import { type DirectoryLock, lockDirectory } from "./directory-lock.ts";
import { DiskPart } from "./disk-part.ts";
import type { DiskLimits } from "./disk-window.ts";
import { LmdbEnvironment } from "./lmdb-environment.ts";
import { LmdbKeys } from "./lmdb-keys.ts";
import { LmdbMessageLog } from "./lmdb-message-log.ts";
import { LmdbRetained } from "./lmdb-retained.ts";
import { LmdbSessions } from "./lmdb-sessions.ts";
import { bringToSchema, checkSchema } from "./schema-version.ts";
import { faultOf } from "./store-fault.ts";

/** When a message counts as accepted. */
export const DURABILITIES = ["flush", "commit", "none"] as const;

/** One of {@link DURABILITIES}. */
export type Durability = (typeof DURABILITIES)[number];

export interface LmdbStoreOptions {
  readonly directory: string;
  /** The epoch that begins with this process. */
  readonly epoch: string;
  readonly clock: Clock;
  readonly observer: StoreObserver;
  readonly durability: Durability;
  /** The recent messages in memory. */
  readonly tail: LogWindow;
  readonly disk: DiskLimits;
  /** Whether messages of QoS 0 go to the disk, too. */
  readonly isQos0Stored: boolean;
  readonly maxPendingBytes: number;
  /** As `CommitQueueOptions.stallMs`. */
  readonly stallMs?: number;
  /** Opens the tables; tests put faults there. */
  readonly environment?: OpenableEnvironment;
}

/** An environment that can be opened. */
export interface OpenableEnvironment extends Pick<LmdbEnvironment, keyof LmdbEnvironment> {}

/** Retention by age looks at least so often, whoever publishes. */
const MAX_RETENTION_INTERVAL_MS = 60_000;

/** A store on disk, in one directory that is this process's alone. */
export class LmdbStore implements Store {
  readonly log: LmdbMessageLog;
  readonly retained: LmdbRetained;
  readonly sessions: LmdbSessions;
  readonly keys: LmdbKeys;
  readonly #options: LmdbStoreOptions;
  readonly #environment: OpenableEnvironment;
  readonly #queue: CommitQueue;
  #lock: DirectoryLock | null = null;
  #disk: DiskPart | null = null;
  #retention: NodeJS.Timeout | null = null;
  #recoverySeconds = 0;
  #closing: Promise<void> | null = null;

  constructor(options: LmdbStoreOptions) {
    this.#options = options;
    const { durability, clock, epoch, tail, observer } = options;
    this.#environment =
      options.environment ??
      new LmdbEnvironment({ directory: options.directory, isFlushed: durability === "flush" });
    const now = () => performance.now();
    const isLazy = durability === "none";
    const environment = this.#environment;
    const stall = options.stallMs === undefined ? {} : { stallMs: options.stallMs };
    this.#queue = new CommitQueue({ environment, observer, now, isLazy, ...stall });
    this.log = new LmdbMessageLog({
      tail: new MemoryMessageLog({ epoch, window: tail, clock }),
      isQos0Stored: options.isQos0Stored,
      isLazy,
      maxPendingBytes: options.maxPendingBytes,
      now,
    });
    this.retained = new LmdbRetained(environment, this.#queue);
    this.sessions = new LmdbSessions(environment, this.#queue);
    this.keys = new LmdbKeys(environment, this.#queue);
  }

  async open(): Promise<void> {
    const startedAt = performance.now();
    const { directory } = this.#options;
    this.#lock = await lockDirectory(directory);
    try {
      checkSchema(inspectDataFile(directory));
      this.#environment.open();
      await bringToSchema(this.#environment);
      this.#connect();
      this.retained.load();
      await this.#flush();
    } catch (error) {
      await this.close();
      if (error instanceof StoreError) throw error;
      const { text } = faultOf(error);
      throw new StoreError(`the store in ${directory} cannot be opened: ${text}`, { cause: error });
    }
    this.#recoverySeconds = (performance.now() - startedAt) / 1_000;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Whoever restores sessions has done so: what nobody keeps may leave. */
  restored(): void {
    this.#disk?.restored();
  }

  readState(): StoreState {
    const window = this.#disk?.window;
    return {
      logMessages: window?.messages ?? 0,
      logBytes: window?.bytes ?? 0,
      fileBytes: window === undefined ? 0 : this.#environment.readFileBytes(),
      oldestAcceptedAt: window?.oldestAcceptedAt ?? null,
      pendingBytes: this.log.pendingBytes,
      recoverySeconds: this.#recoverySeconds,
      fault: this.#queue.fault,
    };
  }

  #connect(): void {
    const { disk: limits, epoch, clock, observer } = this.#options;
    const disk = new DiskPart({
      environment: this.#environment,
      queue: this.#queue,
      limits,
      epoch,
      clock,
      observer,
    });
    this.#disk = disk;
    this.log.connect(disk);
    const intervalMs = Math.max(100, Math.min(MAX_RETENTION_INTERVAL_MS, limits.maxAgeMs / 16));
    this.#retention = setInterval(() => disk.trim(), intervalMs);
    this.#retention.unref();
  }

  /** The new epoch is on disk before anybody gets a cursor of it. */
  #flush(): Promise<void> {
    return new Promise((flushed, refused) => {
      this.#queue.whenDurable((refusal) => (refusal === null ? flushed() : refused(refusal)));
    });
  }

  async #close(): Promise<void> {
    if (this.#retention !== null) clearInterval(this.#retention);
    if (this.#disk !== null) await this.#queue.close();
    await this.#environment.close();
    await this.#lock?.release();
  }
}
