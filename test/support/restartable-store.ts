import type { Position } from "../../src/bus/cursor.ts";
import { expiresAt, type Message, type MessageDraft } from "../../src/bus/message.ts";
import type {
  FilterSet,
  LogListener,
  LogPage,
  MessageLog,
  PageLimits,
  Receipt,
  RetainedStore,
} from "../../src/bus/ports.ts";
import type { SessionStore } from "../../src/bus/session-store.ts";
import type { KeyStore } from "../../src/bus/store-port.ts";
import type { Topic, TopicFilter } from "../../src/bus/topic.ts";
import { GatewayError } from "../../src/errors.ts";
import { MemoryRetainedStore } from "../../src/store/memory/retained-store.ts";
import { FakeClock } from "./fake-clock.ts";
import { change, type Disk, type Note } from "./restartable-disk.ts";
import { RestartableSessions } from "./restartable-sessions.ts";

/** The stores of one process; each process has its own. */
export interface Life {
  readonly log: RestartableLog;
  readonly retained: RetainedStore;
  readonly sessions: SessionStore;
  readonly keys: KeyStore;
}

const FULL = new GatewayError("store_unavailable", "the disk is full");

/**
 * Every store of a gateway in memory, with a disk that the test holds up: what a process notes is on
 * the disk once {@link settle} is called, as one write, and gone after {@link crash} if it was not.
 */
export class RestartableStore {
  readonly clock: FakeClock;
  readonly #window: number;
  readonly #disk: Disk = {
    messages: new Map(),
    kept: new Map(),
    retained: new Map(),
    sessions: new Map(),
    keys: new Map(),
    lastOffset: 0,
  };
  /** Whoever asks whether it is durable is refused at once, as by a store that cannot write. */
  isFaulty = false;
  #notes: Note[] = [];
  #lives = 0;

  constructor(options: { readonly window?: number; readonly clock?: FakeClock } = {}) {
    this.#window = options.window ?? 10_000;
    this.clock = options.clock ?? new FakeClock();
  }

  /** Messages whose bodies are kept beyond the window. */
  get keptCount(): number {
    return this.#disk.kept.size;
  }

  sessionNames(): readonly string[] {
    return [...this.#disk.sessions.keys()];
  }

  get hasPending(): boolean {
    return this.#notes.length > 0;
  }

  /** Opens the stores for a process; the one before is over. */
  open(): Life {
    this.#lives += 1;
    this.#notes = [];
    const life = this.#lives;
    const note = (entry: Note): void => {
      if (life === this.#lives) this.#notes.push(entry);
    };
    const whenDurable: SessionStore["whenDurable"] = (callback) => {
      if (this.isFaulty) callback(FULL);
      else if (this.#notes.length === 0) callback(null);
      else note({ is: "waiting", tell: callback });
    };
    const log = new RestartableLog(this.#disk, this.#window, this.clock, `epoch${life}`, note);
    return {
      log,
      retained: new NotingRetained(this.#disk, note),
      sessions: new RestartableSessions(this.#disk, note, whenDurable),
      keys: {
        restore: () => [...this.#disk.keys.values()],
        put: (key) => note(change((disk) => disk.keys.set(`${key.scope}\0${key.key}`, key))),
        delete: (scope, key) => note(change((disk) => disk.keys.delete(`${scope}\0${key}`))),
      },
    };
  }

  /** Everything noted so far is durable; those who wait are told, and may note more. */
  settle(): void {
    const notes = this.#notes;
    this.#notes = [];
    for (const note of notes) if (note.is === "change") note.apply(this.#disk);
    for (const note of notes) if (note.is === "waiting") note.tell(null);
  }

  /** Writing what was noted so far fails; changes stay noted. */
  fail(): void {
    const notes = this.#notes;
    this.#notes = notes.filter(({ is }) => is === "change");
    for (const note of notes) if (note.is === "waiting") note.tell(FULL);
  }

  /** The process is gone with all that was not durable. */
  crash(): void {
    this.#notes = [];
    this.#lives += 1;
  }
}

/** A log of one process that goes on where the disk's ends. Evicts one message at a time. */
export class RestartableLog implements MessageLog {
  readonly epoch: string;
  readonly bytes = 0;
  readonly isCongested = false;
  readonly #window: number;
  readonly #clock: FakeClock;
  readonly #note: (note: Note) => void;
  readonly #messages: Map<number, Message>;
  readonly #kept: Map<number, Message>;
  readonly #holders = new Map<number, number>();
  #first: number;
  #last: number;
  #listener: LogListener | null = null;

  constructor(
    disk: Disk,
    window: number,
    clock: FakeClock,
    epoch: string,
    note: (note: Note) => void,
  ) {
    this.epoch = epoch;
    this.#window = window;
    this.#clock = clock;
    this.#note = note;
    this.#messages = new Map(disk.messages);
    this.#kept = new Map(disk.kept);
    this.#last = disk.lastOffset;
    this.#first = Math.min(...disk.messages.keys(), this.#last + 1);
  }

  get firstOffset(): number {
    return this.#first;
  }

  get lastOffset(): number {
    return this.#last;
  }

  whenRelieved(callback: () => void): void {
    callback();
  }

  attach(listener: LogListener): void {
    this.#listener = listener;
  }

  append(draft: MessageDraft, receipt: Receipt | null): void {
    const offset = this.#last + 1;
    if (offset - this.#first >= this.#window) this.#evict();
    this.#last = offset;
    const acceptedAt = this.#clock.now();
    const message = { ...draft, payload: Uint8Array.from(draft.payload), offset, acceptedAt };
    this.#messages.set(offset, message);
    this.#note(
      change((disk) => {
        disk.lastOffset = offset;
        if (draft.qos > 0) disk.messages.set(offset, message);
      }),
    );
    this.#listener?.ordered(offset, draft, acceptedAt);
    if (receipt === null) return;
    const tell = (refusal: GatewayError | null) =>
      refusal === null ? receipt.accepted(offset) : receipt.refused(refusal);
    this.#note({ is: "waiting", tell });
  }

  at(offset: number): Message | undefined {
    return this.#messages.get(offset) ?? this.#kept.get(offset);
  }

  sizeAt(offset: number): number {
    return this.#messages.get(offset)?.payload.length ?? 0;
  }

  topicAt(offset: number): Topic | undefined {
    return this.#messages.get(offset)?.topic;
  }

  expiresAt(offset: number): number {
    const message = this.#messages.get(offset);
    return message === undefined ? Number.POSITIVE_INFINITY : expiresAt(message);
  }

  read(filters: FilterSet, after: number, _limits: PageLimits): LogPage {
    const found = [...this.#messages.values()].filter(
      ({ offset, topic }) => offset > after && filters.matches(topic),
    );
    return { offsets: found.map(({ offset }) => offset), through: this.#last, gap: null };
  }

  locate({ offset }: Position) {
    return { after: offset };
  }

  keep(message: Message): void {
    const { offset } = message;
    const holders = this.#holders.get(offset) ?? 0;
    this.#holders.set(offset, holders + 1);
    if (holders > 0 || this.#kept.has(offset)) return;
    this.#kept.set(offset, message);
    this.#note(change((disk) => disk.kept.set(offset, message)));
  }

  release(offset: number): void {
    const holders = (this.#holders.get(offset) ?? 0) - 1;
    if (holders < 0) throw new Error(`offset ${offset} was released and not kept`);
    this.#holders.set(offset, holders);
    if (holders > 0) return;
    this.#holders.delete(offset);
    this.#kept.delete(offset);
    this.#note(change((disk) => disk.kept.delete(offset)));
  }

  #evict(): void {
    const offset = this.#first;
    this.#listener?.evicting(offset + 1);
    this.#messages.delete(offset);
    this.#first = offset + 1;
    this.#note(change((disk) => disk.messages.delete(offset)));
  }
}

/** Retained messages, with what the disk has of them. */
class NotingRetained implements RetainedStore {
  readonly #memory = new MemoryRetainedStore();
  readonly #note: (note: Note) => void;

  constructor(disk: Disk, note: (note: Note) => void) {
    this.#note = note;
    for (const message of disk.retained.values()) this.#memory.set(message);
  }

  get count(): number {
    return this.#memory.count;
  }

  get bytes(): number {
    return this.#memory.bytes;
  }

  get(topic: Topic): Message | undefined {
    return this.#memory.get(topic);
  }

  set(message: Message): void {
    this.#memory.set(message);
    this.#note(change((disk) => disk.retained.set(message.topic, message)));
  }

  delete(topic: Topic): void {
    this.#memory.delete(topic);
    this.#note(change((disk) => disk.retained.delete(topic)));
  }

  match(filter: TopicFilter): Iterable<Message> {
    return this.#memory.match(filter);
  }
}
