import type { Position } from "../../src/bus/cursor.ts";
import type { Message, MessageDraft } from "../../src/bus/message.ts";
import type {
  FilterSet,
  LogListener,
  LogPage,
  MessageLog,
  PageLimits,
  Receipt,
} from "../../src/bus/ports.ts";
import type { Topic } from "../../src/bus/topic.ts";
import { GatewayError } from "../../src/errors.ts";
import { type LogWindow, MemoryMessageLog } from "../../src/store/memory/message-log.ts";
import { FakeClock } from "./fake-clock.ts";

interface Pending {
  readonly offset: number;
  readonly bytes: number;
  readonly receipt: Receipt | null;
}

/**
 * A log whose commits wait for the test: messages are ordered at once and become durable, or fail,
 * when {@link settle} is called. Failed ones leave a hole that reads report as a gap.
 */
export class FaultyLog implements MessageLog {
  readonly #inner: MemoryMessageLog;
  readonly #maxPendingBytes: number;
  readonly #pending: Pending[] = [];
  readonly #holes = new Set<number>();
  readonly #relief: (() => void)[] = [];
  #failures = 0;

  constructor(options: { window?: Partial<LogWindow>; maxPendingBytes?: number } = {}) {
    const window = { maxMessages: 1_024, maxBytes: 1_048_576, maxAgeMs: Number.POSITIVE_INFINITY };
    this.#inner = new MemoryMessageLog({
      epoch: "epoch0001",
      window: { ...window, ...options.window },
      clock: new FakeClock(),
    });
    this.#maxPendingBytes = options.maxPendingBytes ?? Number.POSITIVE_INFINITY;
  }

  get epoch(): string {
    return this.#inner.epoch;
  }

  get firstOffset(): number {
    return this.#inner.firstOffset;
  }

  get lastOffset(): number {
    return this.#inner.lastOffset;
  }

  get bytes(): number {
    return this.#inner.bytes;
  }

  get isCongested(): boolean {
    return this.#pending.reduce((sum, each) => sum + each.bytes, 0) > this.#maxPendingBytes;
  }

  /** The next `count` commits fail. */
  failNext(count: number): void {
    this.#failures = count;
  }

  /** Ends the oldest `count` commits; all by default. */
  settle(count = this.#pending.length): void {
    for (const { offset, receipt } of this.#pending.splice(0, count)) {
      if (this.#failures > 0) {
        this.#failures -= 1;
        this.#holes.add(offset);
        receipt?.refused(new GatewayError("store_unavailable", "the commit failed"));
      } else {
        receipt?.accepted(offset);
      }
    }
    if (this.isCongested) return;
    for (const callback of this.#relief.splice(0)) callback();
  }

  whenRelieved(callback: () => void): void {
    if (this.isCongested) this.#relief.push(callback);
    else callback();
  }

  attach(listener: LogListener): void {
    this.#inner.attach(listener);
  }

  append(draft: MessageDraft, receipt: Receipt | null): void {
    const offset = this.#inner.lastOffset + 1;
    this.#pending.push({ offset, bytes: draft.payload.length, receipt });
    this.#inner.append(draft, null);
  }

  at(offset: number): Message | undefined {
    return this.#inner.at(offset);
  }

  sizeAt(offset: number): number {
    return this.#inner.sizeAt(offset);
  }

  topicAt(offset: number): Topic | undefined {
    return this.#inner.topicAt(offset);
  }

  expiresAt(offset: number): number {
    return this.#inner.expiresAt(offset);
  }

  read(filters: FilterSet, after: number, limits: PageLimits): LogPage {
    const page = this.#inner.read(filters, after, limits);
    if (page.gap !== null) return page;
    const hole = [...this.#holes].sort((a, b) => a - b).find((offset) => offset > after);
    if (hole === undefined || hole > page.through) return page;
    if (hole === after + 1) {
      let earliest = hole + 1;
      while (this.#holes.has(earliest)) earliest += 1;
      return { offsets: [], through: after, gap: { reason: "store", earliest } };
    }
    const offsets = page.offsets.filter((offset) => offset < hole);
    return { offsets, through: hole - 1, gap: null };
  }

  locate(position: Position) {
    return this.#inner.locate(position);
  }

  keep(message: Message): void {
    this.#inner.keep(message);
  }

  release(offset: number): void {
    this.#inner.release(offset);
  }
}
