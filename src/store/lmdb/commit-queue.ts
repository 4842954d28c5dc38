import type { StoreFault, StoreObserver } from "../../bus/store-port.ts";
import { GatewayError } from "../../errors.ts";
import type { Environment, Write } from "./environment.ts";
import { PendingNotes } from "./pending-notes.ts";
import { faultOf, stallFault } from "./store-fault.ts";
import type { TableName } from "./tables.ts";

/** Called once: `null` when everything noted before is durable, else why it is not. */
export type DurableCallback = (refusal: GatewayError | null) => void;

/** The side of the queue that the stores of sessions, keys and retained messages use. */
export interface CommitNotes {
  /**
   * Puts a value, or deletes with `null`; the last note of a key wins. The buffers are the queue's
   * from now on. A note whose commit fails is kept and written again with the next one.
   */
  note(table: TableName, key: Buffer, value: Buffer | null): void;
  /** A contributor has something: a commit is due even if nothing is noted. */
  announce(): void;
  /**
   * Asks before each commit for what belongs to it: for those that pack many small changes into few
   * records. Asked only when a commit is due for another reason, or was {@link announce}d.
   */
  beforeSubmit(contribute: Contributor): void;
  /** Nobody waits for the disk: what is noted counts as durable at once. */
  readonly isLazy: boolean;
  /** What is noted for a key and not durable yet: `null` for a deletion, `undefined` for nothing. */
  peek(table: TableName, key: Buffer): Buffer | null | undefined;
  /** In call order; at once, within the call, when nothing noted is pending. */
  whenDurable(callback: DurableCallback): void;
}

/**
 * Notes what it has for the commit that is about to be written. What it returns is called before any
 * {@link DurableCallback} of that commit, with what came of it; after a failure the notes are still
 * the queue's, and the commit that comes next answers for them.
 */
export type Contributor = () => ((isDurable: boolean) => void) | null;

/** What the message log adds to one commit. Unlike notes, it is over when the commit fails. */
export interface LogGroup {
  readonly messages: number;
  readonly bytes: number;
  /** When the oldest of its messages was appended, by {@link CommitQueueOptions.now}. */
  readonly since: number;
  readonly writes: readonly Write[];
  /** Its messages are durable. */
  committed(): void;
  /** Its messages are lost to the disk. */
  failed(refusal: GatewayError): void;
}

/** The message log, as the queue sees it. */
export interface LogSource {
  /** What has been appended since the last time; `null` for nothing, unless it is a probe. */
  take(isProbe: boolean): LogGroup | null;
  /** A commit has ended well: the time for bounded work in the background. */
  settled(): void;
}

export interface CommitQueueOptions {
  readonly environment: Environment;
  readonly observer: StoreObserver;
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Nobody waits for the disk: {@link CommitNotes.whenDurable} calls back at once. */
  readonly isLazy: boolean;
  /** Milliseconds a commit may take before the store counts as unable to write. */
  readonly stallMs?: number;
}

/** Less than clients commonly wait for an answer, and far more than a healthy disk ever takes. */
const STALL_MS = 10_000;
const LOOKS_AT_STALL = 4;

/** Of the first attempt after a failed commit; doubled up to {@link MAX_PROBE_DELAY_MS}. */
const MIN_PROBE_DELAY_MS = 100;
const MAX_PROBE_DELAY_MS = 5_000;

/**
 * What nobody waits for goes along with the next commit; when none comes for so long, it gets its own.
 * Long for publishers that wait for their acknowledgement before they go on, short for the disk.
 */
const BACKGROUND_DELAY_MS = 50;

interface Commit {
  readonly notes: PendingNotes;
  readonly settlers: readonly ((isDurable: boolean) => void)[];
  readonly callbacks: readonly DurableCallback[];
  readonly group: LogGroup | null;
}

/**
 * Collects what one turn of the event loop changes and writes it as one transaction, at most one at
 * a time: what is noted while a commit is in flight makes up the next one, so that batches grow with
 * the load and no timer delays anybody.
 *
 * When a commit fails, everybody who waits is refused, and only probes are written until one
 * succeeds.
 */
export class CommitQueue implements CommitNotes {
  readonly #options: CommitQueueOptions;
  readonly #contributors: Contributor[] = [];
  #log: LogSource | null = null;
  #notes = new PendingNotes();
  #callbacks: DurableCallback[] = [];
  #flight: Commit | null = null;
  #flightEnd: Promise<void> = Promise.resolve();
  /** At the commit in flight; counted, as time passes for a process that was held, too. */
  #looks = 0;
  /** Looks after commits that do not end; from the first one on. */
  #stallCheck: NodeJS.Timeout | null = null;
  #isContributing = false;
  /** Asked for since the last commit was submitted. */
  #isWanted = false;
  #isScheduled = false;
  #isClosed = false;
  #fault: StoreFault | null = null;
  #probe: NodeJS.Timeout | null = null;
  #background: NodeJS.Timeout | null = null;
  #probeDelayMs = MIN_PROBE_DELAY_MS;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
  }

  /** Why commits fail now; `null` while they succeed. */
  get fault(): StoreFault | null {
    return this.#fault;
  }

  /** Connects the message log; once, before the first note. */
  attach(log: LogSource): void {
    this.#log = log;
  }

  note(table: TableName, key: Buffer, value: Buffer | null): void {
    this.#notes.set({ table, key, value });
    if (!this.#isContributing) this.request();
  }

  get isLazy(): boolean {
    return this.#options.isLazy;
  }

  announce(): void {
    this.request();
  }

  beforeSubmit(contribute: Contributor): void {
    this.#contributors.push(contribute);
  }

  peek(table: TableName, key: Buffer): Buffer | null | undefined {
    const write = this.#notes.get(table, key) ?? this.#flight?.notes.get(table, key);
    return write?.value;
  }

  whenDurable(callback: DurableCallback): void {
    if (this.#fault !== null) {
      callback(unavailable(this.#fault));
    } else if (this.#options.isLazy || (!this.#isScheduled && this.#flight === null)) {
      callback(null);
    } else {
      this.#callbacks.push(callback);
      this.request();
    }
  }

  /** Something is to be written: it will be with the end of this turn, or of the commit in flight. */
  request(): void {
    this.#isWanted = true;
    if (this.#isContributing) return;
    if (this.#isScheduled || this.#flight !== null || this.#fault !== null) return;
    this.#isScheduled = true;
    setImmediate(() => {
      if (!this.#isScheduled) return;
      this.#isScheduled = false;
      this.#submit(false);
    });
  }

  /** As {@link request}, for what nobody waits for: a commit of its own would hold up the next one. */
  requestInBackground(): void {
    if (this.#isClosed || this.#background !== null) return;
    this.#background = setTimeout(() => {
      this.#background = null;
      this.request();
    }, BACKGROUND_DELAY_MS);
    this.#background.unref();
  }

  /** The refusal of what cannot be written now; `null` while commits succeed. */
  refusal(): GatewayError | null {
    return this.#fault === null ? null : unavailable(this.#fault);
  }

  /** Writes all that is pending, once more if that fails, and then takes nothing any more. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#probe !== null) clearTimeout(this.#probe);
    this.#probe = null;
    this.#endBackground();
    if (this.#stallCheck !== null) clearInterval(this.#stallCheck);
    await this.#flightEnd;
    this.#isScheduled = false;
    this.#submit(true);
    await this.#flightEnd;
  }

  #submit(isProbe: boolean): void {
    this.#isWanted = false;
    // Asked for while the commit before this one ended: it must not become a second one in flight.
    this.#isScheduled = false;
    this.#endBackground();
    const settlers = this.#contribute();
    const group = this.#log?.take(isProbe) ?? null;
    const commit = { notes: this.#notes, settlers, callbacks: this.#callbacks, group };
    this.#notes = new PendingNotes();
    this.#callbacks = [];
    const writes: Write[] = [...commit.notes];
    if (group !== null) for (const write of group.writes) writes.push(write);
    if (writes.length === 0) {
      for (const settle of settlers) settle(true);
      for (const callback of commit.callbacks) callback(null);
      return;
    }
    this.#flight = commit;
    this.#looks = 0;
    this.#watchForStalls();
    this.#flightEnd = this.#options.environment.commit(writes).then(
      () => this.#succeeded(commit),
      (error: unknown) => this.#failed(commit, error),
    );
  }

  #endBackground(): void {
    if (this.#background !== null) clearTimeout(this.#background);
    this.#background = null;
  }

  /**
   * A disk that hangs gives no error. What is in flight is answered when it ends, whatever it comes to;
   * everybody else is refused until then, rather than to wait with it.
   */
  #watchForStalls(): void {
    if (this.#stallCheck !== null || this.#isClosed) return;
    const stallMs = this.#options.stallMs ?? STALL_MS;
    this.#stallCheck = setInterval(() => {
      this.#looks += 1;
      if (this.#flight === null || this.#fault !== null || this.#looks <= LOOKS_AT_STALL) return;
      this.#fault = stallFault(stallMs);
      this.#options.observer.failed(this.#fault);
    }, stallMs / LOOKS_AT_STALL);
    this.#stallCheck.unref();
  }

  #contribute(): ((isDurable: boolean) => void)[] {
    const settlers: ((isDurable: boolean) => void)[] = [];
    this.#isContributing = true;
    try {
      for (const contribute of this.#contributors) {
        const settle = contribute();
        if (settle !== null) settlers.push(settle);
      }
    } finally {
      this.#isContributing = false;
    }
    return settlers;
  }

  #succeeded({ settlers, callbacks, group }: Commit): void {
    this.#flight = null;
    const { now, observer } = this.#options;
    // A probe is small: on a disk that is nearly full it succeeds where the next messages fail.
    if (group !== null && group.messages > 0) this.#probeDelayMs = MIN_PROBE_DELAY_MS;
    if (this.#fault !== null) {
      this.#fault = null;
      observer.healed();
    }
    if (group !== null) {
      observer.committed(group.messages, group.bytes, (now() - group.since) / 1_000);
      group.committed();
    }
    for (const settle of settlers) settle(true);
    for (const callback of callbacks) callback(null);
    this.#log?.settled();
    if (!this.#isClosed && this.#isWanted) this.#submit(false);
  }

  #failed({ notes, settlers, callbacks, group }: Commit, error: unknown): void {
    this.#flight = null;
    const fault = faultOf(error);
    this.#fault = fault;
    this.#notes.addOlder(notes);
    const waiting = [...callbacks, ...this.#callbacks];
    this.#callbacks = [];
    this.#options.observer.failed(fault);
    const refusal = unavailable(fault, error);
    group?.failed(refusal);
    this.#log?.take(false)?.failed(refusal);
    for (const settle of settlers) settle(false);
    for (const callback of waiting) callback(refusal);
    this.#scheduleProbe();
  }

  #scheduleProbe(): void {
    if (this.#isClosed) return;
    this.#probe = setTimeout(() => {
      this.#probe = null;
      this.#submit(true);
    }, this.#probeDelayMs);
    this.#probe.unref();
    this.#probeDelayMs = Math.min(MAX_PROBE_DELAY_MS, this.#probeDelayMs * 2);
  }
}

function unavailable(fault: StoreFault, cause?: unknown): GatewayError {
  const text = `the store cannot write: ${fault.text}`;
  return new GatewayError("store_unavailable", text, cause === undefined ? {} : { cause });
}
