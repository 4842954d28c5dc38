import type { Clock } from "../../bus/clock.ts";
import type { Message } from "../../bus/message.ts";
import type { FilterSet, Gap } from "../../bus/ports.ts";
import type { StoreObserver } from "../../bus/store-port.ts";
import type { Topic } from "../../bus/topic.ts";
import { GatewayError } from "../../errors.ts";
import type { CommitQueue, LogGroup, LogSource } from "./commit-queue.ts";
import { DiskLog } from "./disk-log.ts";
import { type DiskLimits, DiskWindow } from "./disk-window.ts";
import type { Environment, Write } from "./environment.ts";
import { Epochs } from "./epochs.ts";
import { type Hole, Holes } from "./holes.ts";
import { KeptMessages } from "./kept-messages.ts";
import { encodeLogState, LOG_STATE_KEY, type LogState, readLogState } from "./log-state.ts";
import type { LogWriter } from "./log-writer.ts";
import type { PageBuilder } from "./page-builder.ts";
import type { PendingGroup } from "./pending-group.ts";
import { offsetKey } from "./log-keys.ts";
import { faultOf } from "./store-fault.ts";
import { TopicIndex } from "./topic-index.ts";
import { TopicSweep } from "./topic-sweep.ts";
import { TopicTable } from "./topic-table.ts";

/**
 * Steps in which an eviction is announced: parts of the window, and at most so many messages, because
 * whoever holds some of them copies them then and there.
 */
const EVICTION_STEPS = 16;
const MAX_EVICTION_STEP = 4_096;

export interface DiskPartOptions {
  readonly environment: Environment;
  readonly queue: CommitQueue;
  readonly limits: DiskLimits;
  /** The epoch that begins. */
  readonly epoch: string;
  readonly clock: Clock;
  readonly observer: StoreObserver;
}

/** The rest of the log, as its disk part sees it. */
export interface DiskHost {
  lastOffset(): number;
  /** Messages on disk below this offset are about to go; those in memory stay. */
  evicting(first: number): void;
}

/** The part of the message log that is on disk: what goes there, what is found, what leaves. */
export class DiskPart implements LogSource {
  /** Where the sequence was when the store was opened. */
  readonly lastOffset: number;
  readonly #options: DiskPartOptions;
  readonly #topics: TopicTable;
  readonly #index: TopicIndex;
  readonly #sweep: TopicSweep;
  readonly #log: DiskLog;
  readonly #window: DiskWindow;
  readonly #holes: Holes;
  readonly #epochs: Epochs;
  readonly #kept: KeptMessages;
  #writer: LogWriter | null = null;
  #host: DiskHost | null = null;
  #durableThrough: number;
  /** The state that was written last says so. */
  #writtenThrough = -1;
  #announced = 0;
  #mayHaveUnusedTopics = false;
  #isRemovingIndex = false;
  /** Nothing leaves while queues of earlier processes have no owner who would keep their bodies. */
  #isRetentionHeld: boolean;

  /** Reads where an earlier process was; the new epoch is noted. Throws what the disk does. */
  constructor(options: DiskPartOptions) {
    this.#options = options;
    const { environment, queue, clock, limits } = options;
    const state = readLogState(environment);
    this.#topics = new TopicTable(environment, queue);
    this.#index = new TopicIndex(environment, state?.indexedThrough ?? 0);
    this.#index.restore((error) => this.#report(error));
    this.#sweep = new TopicSweep(this.#topics, this.#index);
    this.#log = new DiskLog(environment, this.#topics, this.#index);
    this.#holes = new Holes(environment, queue);
    this.#epochs = new Epochs(environment, queue);
    this.#kept = new KeptMessages(environment, queue);
    this.#window = new DiskWindow({
      environment,
      limits,
      state,
      openedAt: clock.now(),
      onFault: (error) => this.#report(error),
    });
    this.#isRetentionHeld = environment.count("sessionQueues") > 0;
    if (state !== null) this.#epochs.end(state.epoch, state.lastOffset);
    this.lastOffset = state?.lastOffset ?? 0;
    this.#durableThrough = this.lastOffset;
    queue.attach(this);
    queue.request();
  }

  connect(writer: LogWriter, host: DiskHost): void {
    this.#writer = writer;
    this.#host = host;
  }

  /** Messages up to here are on disk, in memory alone, or lost. */
  get durableThrough(): number {
    return this.#durableThrough;
  }

  /** The oldest message of the window on disk; `Infinity` when it is empty. */
  get first(): number {
    return this.#window.first;
  }

  get window(): Pick<DiskWindow, "messages" | "bytes" | "oldestAcceptedAt"> {
    return this.#window;
  }

  get isReadable(): boolean {
    return this.#options.environment.isReadable;
  }

  get isWritable(): boolean {
    return this.#options.queue.fault === null;
  }

  /** As {@link first}, when what has become too old has left. */
  trimmedFirst(): number {
    this.trim();
    return this.#window.first;
  }

  /** One bounded step of retention. */
  trim(): void {
    // What cannot be read could not be kept by those who need it, either.
    if (this.#isRetentionHeld || !this.isReadable) return;
    try {
      this.#window.trim(this.#options.clock.now(), (offset) => this.#leaving(offset));
    } catch (error) {
      this.#report(error);
    }
    this.#window.requestRemoval(this.#options.queue);
  }

  /** Something has been added to the writer. */
  request(): void {
    this.#options.queue.request();
  }

  /** The number of a topic for a message to be stored. Throws `store_unavailable`. */
  topicIdOf(topic: Topic): number {
    const refusal = this.#options.queue.refusal();
    if (refusal !== null) throw refusal;
    try {
      return this.#topics.idOf(topic);
    } catch (cause) {
      this.#report(cause);
      throw new GatewayError("store_unavailable", "the store cannot be read", { cause });
    }
  }

  find(
    filters: FilterSet,
    after: number,
    through: number,
    page: PageBuilder,
  ): { readonly through: number; readonly gap: Gap | null } {
    try {
      return { through: this.#log.find(filters, after, through, page), gap: null };
    } catch (error) {
      this.#report(error);
      if (page.count > 0) return { through: page.finish(after).offsets.at(-1) ?? after, gap: null };
      const earliest = this.#nextReadable(after, through);
      return { through: after, gap: { reason: "store", earliest } };
    }
  }

  messageAt(offset: number): Message | undefined {
    return this.#isOnDisk(offset) ? this.#tryRead(() => this.#log.messageAt(offset)) : undefined;
  }

  payloadLengthAt(offset: number): number {
    if (!this.#isOnDisk(offset)) return 0;
    return this.#tryRead(() => this.#log.payloadLengthAt(offset)) ?? 0;
  }

  topicAt(offset: number): Topic | undefined {
    return this.#isOnDisk(offset) ? this.#tryRead(() => this.#log.topicAt(offset)) : undefined;
  }

  keptAt(offset: number): Message | undefined {
    return this.#tryRead(() => this.#kept.get(offset));
  }

  isHole(offset: number): boolean {
    return this.#holes.has(offset);
  }

  holeFrom(offset: number): Hole | undefined {
    return this.#holes.from(offset);
  }

  lastOffsetOf(epoch: string): number | undefined {
    return this.#epochs.lastOffsetOf(epoch);
  }

  keep(message: Message): void {
    try {
      this.#kept.keep(message);
    } catch (error) {
      this.#report(error);
    }
  }

  release(offset: number): void {
    this.#kept.release(offset);
  }

  /** Queues of earlier processes have their owners: retention begins, for kept bodies as well. */
  restored(): void {
    this.#isRetentionHeld = false;
    this.#kept.beginSweep();
    this.#options.queue.request();
  }

  take(isProbe: boolean): LogGroup | null {
    const lastOffset = this.#host?.lastOffset() ?? this.lastOffset;
    const taken = this.#writer?.take() ?? null;
    const doomed = this.#window.takeDoomed();
    const isNew = lastOffset !== this.#writtenThrough;
    if (taken === null && doomed.length === 0 && !isNew && !isProbe) return null;
    const group = taken?.group ?? null;
    const writes: Write[] = taken?.writes ?? [];
    for (const first of doomed) writes.push({ table: "log", key: offsetKey(first), value: null });
    const isRemoving = this.#writeIndex(doomed.length > 0, writes);
    const indexed = this.#index.takeWrites();
    for (const write of indexed.writes) writes.push(write);
    const state = encodeLogState(this.#stateWith(group, lastOffset));
    writes.push({ table: "meta", key: LOG_STATE_KEY, value: state });
    return {
      messages: group?.messages ?? 0,
      bytes: group?.bytes ?? 0,
      since: group?.since ?? 0,
      writes,
      committed: () => {
        indexed.committed();
        this.#isRemovingIndex = isRemoving;
        this.#committed(group, doomed, lastOffset);
      },
      failed: (refusal) => this.#failed(group, doomed, refusal),
    };
  }

  /** Background work after a commit, one bounded step of each kind. */
  settled(): void {
    this.#topics.settled();
    try {
      if (this.#kept.sweep()) this.#options.queue.request();
      if (this.#mayHaveUnusedTopics) {
        this.#mayHaveUnusedTopics = false;
        if (this.#writer !== null) this.#sweep.step(this.#writer);
      }
    } catch (error) {
      this.#report(error);
    }
    this.#window.requestRemoval(this.#options.queue);
    if (this.#isRemovingIndex) this.#options.queue.requestInBackground();
  }

  #committed(group: PendingGroup | null, doomed: readonly number[], lastOffset: number): void {
    this.#durableThrough = lastOffset;
    this.#writtenThrough = lastOffset;
    for (const first of doomed) this.#log.forget(first);
    if (doomed.length > 0) this.#mayHaveUnusedTopics = true;
    try {
      for (const chunk of group?.chunks ?? []) this.#index.add(chunk);
      if (group !== null) this.#window.add(group.messages, group.bytes);
      this.trim();
      this.#holes.dropBelow(Math.min(this.#window.first, lastOffset + 1));
    } catch (error) {
      this.#report(error);
    }
    if (group !== null) this.#writer?.end(group, null);
  }

  #failed(group: PendingGroup | null, doomed: readonly number[], refusal: GatewayError): void {
    this.#window.giveBack(doomed);
    if (group === null) return;
    this.#holes.add({ from: group.first, to: group.last });
    this.#writer?.end(group, refusal);
  }

  /** Entries of the index that leave with their chunks; whether there may be more of them. */
  #writeIndex(hasDoomed: boolean, writes: Write[]): boolean {
    if (!hasDoomed && !this.#isRemovingIndex) return false;
    try {
      const removals = this.#index.removalsBelow(this.#window.first);
      for (const write of removals) writes.push(write);
      return removals.length > 0;
    } catch (error) {
      this.#report(error);
      return false;
    }
  }

  #stateWith(group: PendingGroup | null, lastOffset: number): LogState {
    const first = Math.min(this.#window.first, group?.first ?? Number.POSITIVE_INFINITY);
    return {
      epoch: this.#options.epoch,
      lastOffset,
      firstOffset: Math.min(first, lastOffset + 1),
      messages: this.#window.messages + (group?.messages ?? 0),
      bytes: this.#window.bytes + (group?.bytes ?? 0),
      indexedThrough: this.#index.indexedThrough,
    };
  }

  #leaving(offset: number): void {
    if (offset < this.#announced) return;
    const held = (this.#host?.lastOffset() ?? offset) - offset + 1;
    const step = Math.min(MAX_EVICTION_STEP, Math.max(1, Math.floor(held / EVICTION_STEPS)));
    this.#announced = offset + step;
    this.#host?.evicting(this.#announced);
  }

  #isOnDisk(offset: number): boolean {
    return offset >= this.#window.first && offset <= this.#durableThrough;
  }

  /** Past the chunk that cannot be read. */
  #nextReadable(after: number, through: number): number {
    return this.#tryRead(() => this.#log.firstOfNextChunk(after + 1)) ?? through + 1;
  }

  #tryRead<T>(read: () => T | undefined): T | undefined {
    try {
      return read();
    } catch (error) {
      this.#report(error);
      return undefined;
    }
  }

  #report(error: unknown): void {
    this.#options.observer.failed(faultOf(error));
  }
}
