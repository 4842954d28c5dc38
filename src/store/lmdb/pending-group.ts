import type { Message, MessageDraft } from "../../bus/message.ts";
import type { Receipt } from "../../bus/ports.ts";
import type { Topic } from "../../bus/topic.ts";
import type { GatewayError } from "../../errors.ts";
import { ChunkBuilder } from "./chunk-builder.ts";
import type { Write } from "./environment.ts";
import { encodeParts, recordBytes } from "./log-record.ts";
import { offsetKey } from "./log-keys.ts";
import { TABLE_ENTRY_BYTES } from "./chunk-format.ts";

/** Builders at rest, so that a commit a tick does not cost a block a tick. */
const MAX_IDLE_BUILDERS = 32;

/** Chunk builders between their uses. */
export class BuilderPool {
  readonly #idle: ChunkBuilder[] = [];

  take(): ChunkBuilder {
    return this.#idle.pop() ?? new ChunkBuilder();
  }

  give(builder: ChunkBuilder): void {
    builder.clear();
    if (this.#idle.length < MAX_IDLE_BUILDERS) this.#idle.push(builder);
  }
}

/** Where a message stands in the sequence. */
export interface Ordered {
  readonly offset: number;
  readonly acceptedAt: number;
  readonly topicId: number;
}

/** The messages of one commit, from their append until they are durable or lost. */
export class PendingGroup {
  readonly chunks: ChunkBuilder[] = [];
  readonly #pool: BuilderPool;
  readonly #receipts: Receipt[] = [];
  readonly #receiptOffsets: number[] = [];
  #messages = 0;
  #bytes = 0;
  #since = 0;

  constructor(pool: BuilderPool) {
    this.#pool = pool;
  }

  get messages(): number {
    return this.#messages;
  }

  /** Bytes of its records on disk, their places in the table included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The `now` of its first message. */
  get since(): number {
    return this.#since;
  }

  /** The offset of its first message; `Infinity` when it has none. */
  get first(): number {
    return this.chunks[0]?.first ?? Number.POSITIVE_INFINITY;
  }

  get last(): number {
    return this.chunks[this.chunks.length - 1]?.last ?? 0;
  }

  add(draft: MessageDraft, place: Ordered, receipt: Receipt | null, now: number): void {
    const parts = encodeParts(draft);
    const size = recordBytes(draft, parts);
    let chunk = this.chunks[this.chunks.length - 1];
    if (chunk === undefined || !chunk.hasRoomFor(size)) {
      chunk = this.#pool.take();
      this.chunks.push(chunk);
    }
    chunk.add(draft, parts, place, size);
    if (this.#messages === 0) this.#since = now;
    this.#messages += 1;
    this.#bytes += size + TABLE_ENTRY_BYTES;
    if (receipt === null) return;
    this.#receipts.push(receipt);
    this.#receiptOffsets.push(place.offset);
  }

  /** Its chunks. Nothing can be added afterwards. */
  writes(): Write[] {
    return this.chunks.map((chunk) => ({
      table: "log",
      key: offsetKey(chunk.first),
      value: chunk.finish(),
    }));
  }

  /** A message with bytes of its own. */
  messageAt(offset: number): Message | undefined {
    const chunk = this.#find(offset);
    return chunk?.messageAt(chunk.indexOf(offset));
  }

  payloadLengthAt(offset: number): number {
    const chunk = this.#find(offset);
    return chunk?.payloadLengths[chunk.indexOf(offset)] ?? 0;
  }

  topicAt(offset: number): Topic | undefined {
    const chunk = this.#find(offset);
    return chunk?.topicAt(chunk.indexOf(offset));
  }

  /** Whether a message of this topic is among them. */
  hasTopic(topicId: number): boolean {
    return this.chunks.some((chunk) => chunk.topicIds.subarray(0, chunk.count).includes(topicId));
  }

  accept(): void {
    const receipts = this.#receipts;
    for (let i = 0; i < receipts.length; i += 1) {
      receipts[i]?.accepted(this.#receiptOffsets[i] ?? 0);
    }
  }

  refuse(refusal: GatewayError): void {
    for (const receipt of this.#receipts) receipt.refused(refusal);
  }

  /** Its messages are on disk or lost; its blocks may be used again. */
  release(): void {
    for (const chunk of this.chunks.splice(0)) this.#pool.give(chunk);
  }

  #find(offset: number): ChunkBuilder | undefined {
    return this.chunks.find(
      (chunk) => offset >= chunk.first && offset <= chunk.last && chunk.indexOf(offset) >= 0,
    );
  }
}
