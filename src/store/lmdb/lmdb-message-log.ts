import type { Position } from "../../bus/cursor.ts";
import { expiresAt, type Message, type MessageDraft } from "../../bus/message.ts";
import type {
  FilterSet,
  Gap,
  LogListener,
  LogPage,
  MessageLog,
  PageLimits,
  Receipt,
} from "../../bus/ports.ts";
import type { Topic } from "../../bus/topic.ts";
import type { MemoryMessageLog } from "../memory/message-log.ts";
import type { DiskPart } from "./disk-part.ts";
import { LogWriter } from "./log-writer.ts";
import { PageBuilder } from "./page-builder.ts";

/** How the log is kept. */
export interface LogOptions {
  /** The recent messages in memory, those of QoS 0 among them. */
  readonly tail: MemoryMessageLog;
  /** Whether messages of QoS 0 go to the disk, too. */
  readonly isQos0Stored: boolean;
  /** Whether receipts are told before the disk has the message. */
  readonly isLazy: boolean;
  /** Bytes on their way to the disk above which the log is congested. */
  readonly maxPendingBytes: number;
  /** Milliseconds that never go back. */
  readonly now: () => number;
}

/**
 * The message log on disk behind its newest part in memory. A message is ordered when the tail has
 * it, and durable when its commit is; until then it can be read from what is pending.
 */
export class LmdbMessageLog implements MessageLog {
  readonly #options: LogOptions;
  readonly #tail: MemoryMessageLog;
  readonly #writer: LogWriter;
  #disk: DiskPart | null = null;
  #listener: LogListener | null = null;
  #acceptedAt = 0;
  /** The newest offset that is in memory alone. */
  #newestUnstored = 0;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#tail = options.tail;
    this.#writer = new LogWriter(options.maxPendingBytes);
    this.#tail.attach({
      ordered: (offset, draft, acceptedAt) => {
        this.#acceptedAt = acceptedAt;
        this.#listener?.ordered(offset, draft, acceptedAt);
      },
      evicting: (first) => this.#evictingTail(first),
    });
  }

  /** The disk is open: the sequence goes on after its last offset. */
  connect(disk: DiskPart): void {
    this.#disk = disk;
    this.#tail.startAfter(disk.lastOffset);
    disk.connect(this.#writer, {
      lastOffset: () => this.#tail.lastOffset,
      evicting: (first) => this.#listener?.evicting(first),
    });
  }

  get epoch(): string {
    return this.#tail.epoch;
  }

  get firstOffset(): number {
    const onDisk = this.#disk?.trimmedFirst() ?? Number.POSITIVE_INFINITY;
    return Math.min(this.#tail.firstOffset, onDisk, this.#writer.first);
  }

  get lastOffset(): number {
    return this.#tail.lastOffset;
  }

  get bytes(): number {
    return this.#tail.bytes;
  }

  get pendingBytes(): number {
    return this.#writer.pendingBytes;
  }

  get isCongested(): boolean {
    return this.#writer.isCongested;
  }

  whenRelieved(callback: () => void): void {
    this.#writer.whenRelieved(callback);
  }

  attach(listener: LogListener): void {
    this.#listener = listener;
  }

  append(draft: MessageDraft, receipt: Receipt | null): void {
    const topicId = this.#topicIdFor(draft);
    this.#tail.append(draft, null);
    const offset = this.#tail.lastOffset;
    if (topicId === null) {
      this.#newestUnstored = offset;
      receipt?.accepted(offset);
      return;
    }
    const place = { offset, acceptedAt: this.#acceptedAt, topicId };
    const isAtOnce = this.#options.isLazy || draft.qos === 0;
    this.#writer.add(draft, place, isAtOnce ? null : receipt, this.#options.now());
    this.#disk?.request();
    if (isAtOnce) receipt?.accepted(offset);
  }

  /** The number of the topic under which the message is stored; `null` when it is not to be. */
  #topicIdFor(draft: MessageDraft): number | null {
    const isDue = draft.qos > 0 || this.#options.isQos0Stored;
    const disk = this.#disk;
    if (!isDue || disk === null) return null;
    if (draft.qos > 0) return disk.topicIdOf(draft.topic);
    return disk.isWritable ? disk.topicIdOf(draft.topic) : null;
  }

  at(offset: number): Message | undefined {
    return (
      this.#tail.at(offset) ??
      this.#disk?.keptAt(offset) ??
      this.#writer.messageAt(offset) ??
      this.#disk?.messageAt(offset)
    );
  }

  get isUnreadable(): boolean {
    return this.#disk?.isReadable === false;
  }

  sizeAt(offset: number): number {
    if (this.#isInTail(offset)) return this.#tail.sizeAt(offset);
    return this.#writer.payloadLengthAt(offset) || (this.#disk?.payloadLengthAt(offset) ?? 0);
  }

  topicAt(offset: number): Topic | undefined {
    if (this.#isInTail(offset)) return this.#tail.topicAt(offset);
    return this.#writer.topicAt(offset) ?? this.#disk?.topicAt(offset);
  }

  expiresAt(offset: number): number {
    if (this.#isInTail(offset)) return this.#tail.expiresAt(offset);
    const message = this.at(offset);
    return message === undefined ? Number.POSITIVE_INFINITY : expiresAt(message);
  }

  /** Whether the message can be read after the memory has dropped it. */
  isStored(offset: number): boolean {
    if (this.#disk === null || this.#disk.isHole(offset)) return false;
    // With them on disk, too, those that came while it took nothing are in memory alone.
    const mayBeUnstored = !this.#options.isQos0Stored || offset <= this.#newestUnstored;
    if (mayBeUnstored && this.#tail.qosAt(offset) === 0) {
      return !this.#isInTail(offset) && offset >= this.#disk.first;
    }
    return offset > this.#disk.durableThrough || offset >= this.#disk.first;
  }

  read(filters: FilterSet, after: number, limits: PageLimits): LogPage {
    const first = this.firstOffset;
    if (after + 1 < first) return gapPage(after, { reason: "retention", earliest: first });
    const hole = this.#disk?.holeFrom(after + 1);
    if (hole !== undefined && hole.from <= after + 1) {
      return gapPage(after, { reason: "store", earliest: hole.to + 1 });
    }
    const end = Math.min(this.#tail.lastOffset, hole === undefined ? Infinity : hole.from - 1);
    const page = new PageBuilder(limits);
    const tailFirst = this.#tail.firstOffset;
    let at = after;
    if (at + 1 < tailFirst) {
      const found = this.#findBehindTail(filters, at, Math.min(end, tailFirst - 1), page);
      if (found.gap !== null && this.isUnreadable) {
        return { offsets: [], through: after, gap: null, isUnreadable: true };
      }
      if (found.gap !== null) return gapPage(after, found.gap);
      at = found.through;
      if (page.isFull || at >= end || at + 1 < tailFirst) return page.finish(at);
    }
    return page.finish(this.#findInTail(filters, at, end, page, limits));
  }

  locate(position: Position): { after: number } | { gap: Gap } {
    const first = this.firstOffset;
    const last =
      position.epoch === this.epoch
        ? this.#tail.lastOffset
        : this.#disk?.lastOffsetOf(position.epoch);
    if (last === undefined) return { gap: { reason: "epoch", earliest: first } };
    if (position.offset > last) {
      const next = position.epoch === this.epoch ? first : Math.max(first, last + 1);
      return { gap: { reason: "epoch", earliest: next } };
    }
    if (position.offset + 1 < first) return { gap: { reason: "retention", earliest: first } };
    return { after: position.offset };
  }

  keep(message: Message): void {
    this.#disk?.keep(message);
  }

  release(offset: number): void {
    this.#disk?.release(offset);
  }

  /** What the tail has dropped: from the disk as far as it is durable, then from what is pending. */
  #findBehindTail(filters: FilterSet, after: number, end: number, page: PageBuilder): Found {
    const disk = this.#disk;
    if (disk === null) return { through: end, gap: null };
    const durable = Math.min(end, disk.durableThrough);
    if (after < durable) {
      const found = disk.find(filters, after, durable, page);
      if (found.gap !== null || page.isFull || found.through < durable) return found;
    }
    let through = Math.max(after, durable);
    for (const { offset, topic, payloadLength } of this.#writer.after(through, end)) {
      if (filters.matches(topic) && !page.offer(offset, payloadLength))
        return { through, gap: null };
      through = offset;
    }
    return { through: end, gap: null };
  }

  #findInTail(
    filters: FilterSet,
    after: number,
    end: number,
    page: PageBuilder,
    limits: PageLimits,
  ): number {
    const found = this.#tail.read(filters, after, limits);
    for (const offset of found.offsets) {
      if (offset > end || !page.offer(offset, this.#tail.sizeAt(offset))) break;
    }
    return Math.min(found.through, end);
  }

  /** Holes are in memory alone, like messages that were not to be stored. */
  #evictingTail(first: number): void {
    const { oldest } = this.#tail;
    const hole = this.#disk?.holeFrom(oldest);
    if (this.#newestUnstored < oldest && (hole === undefined || hole.from >= first)) return;
    this.#listener?.evictingUnstored?.(first, (offset) => this.isStored(offset));
  }

  #isInTail(offset: number): boolean {
    return offset >= this.#tail.oldest && offset <= this.#tail.lastOffset;
  }
}

/** How far a search came, or what it could not read. */
interface Found {
  readonly through: number;
  readonly gap: Gap | null;
}

function gapPage(after: number, gap: Gap): LogPage {
  return { offsets: [], through: after, gap };
}
