import type { Message, MessageDraft } from "../../bus/message.ts";
import type { Receipt } from "../../bus/ports.ts";
import type { Topic } from "../../bus/topic.ts";
import type { GatewayError } from "../../errors.ts";
import { BuilderPool, type Ordered, PendingGroup } from "./pending-group.ts";
import type { Write } from "./environment.ts";

/**
 * The messages that are not on disk yet: those of the commit in flight, and those of the next. They
 * can be read until they are durable or lost.
 */
export class LogWriter {
  readonly #maxPendingBytes: number;
  readonly #pool = new BuilderPool();
  #building: PendingGroup;
  #flight: PendingGroup | null = null;
  #relief: (() => void)[] = [];

  /** @param maxPendingBytes above it the log is congested. */
  constructor(maxPendingBytes: number) {
    this.#maxPendingBytes = maxPendingBytes;
    this.#building = new PendingGroup(this.#pool);
  }

  get pendingBytes(): number {
    return this.#building.bytes + (this.#flight?.bytes ?? 0);
  }

  get isCongested(): boolean {
    return this.pendingBytes > this.#maxPendingBytes;
  }

  whenRelieved(callback: () => void): void {
    if (this.isCongested) this.#relief.push(callback);
    else callback();
  }

  /** The oldest pending message; `Infinity` when there is none. */
  get first(): number {
    return Math.min(this.#flight?.first ?? Number.POSITIVE_INFINITY, this.#building.first);
  }

  add(draft: MessageDraft, place: Ordered, receipt: Receipt | null, now: number): void {
    this.#building.add(draft, place, receipt, now);
  }

  /** Takes what has been added; `null` for nothing. The one before must have ended. */
  take(): { readonly group: PendingGroup; readonly writes: Write[] } | null {
    const group = this.#building;
    if (group.messages === 0) return null;
    this.#flight = group;
    this.#building = new PendingGroup(this.#pool);
    return { group, writes: group.writes() };
  }

  /** The group is durable, or, with a refusal, lost: tells its receipts. */
  end(group: PendingGroup, refusal: GatewayError | null): void {
    if (this.#flight === group) this.#flight = null;
    group.release();
    if (refusal === null) group.accept();
    else group.refuse(refusal);
    if (this.isCongested) return;
    const relieved = this.#relief;
    this.#relief = [];
    for (const callback of relieved) callback();
  }

  messageAt(offset: number): Message | undefined {
    return this.#groupOf(offset)?.messageAt(offset);
  }

  payloadLengthAt(offset: number): number {
    return this.#groupOf(offset)?.payloadLengthAt(offset) ?? 0;
  }

  topicAt(offset: number): Topic | undefined {
    return this.#groupOf(offset)?.topicAt(offset);
  }

  hasTopic(topicId: number): boolean {
    return this.#building.hasTopic(topicId) || this.#flight?.hasTopic(topicId) === true;
  }

  /** Offsets and topics of pending messages in `after+1…through`, rising. */
  *after(after: number, through: number): Generator<PendingPlace> {
    for (const group of [this.#flight, this.#building]) {
      for (const chunk of group?.chunks ?? []) {
        if (chunk.last <= after) continue;
        for (let i = 0; i < chunk.count; i += 1) {
          const offset = chunk.offsets[i] ?? 0;
          if (offset <= after) continue;
          if (offset > through) return;
          const topic = chunk.topicAt(i);
          const payloadLength = chunk.payloadLengths[i] ?? 0;
          if (topic !== undefined) yield { offset, topic, payloadLength };
        }
      }
    }
  }

  #groupOf(offset: number): PendingGroup | undefined {
    const flight = this.#flight;
    if (flight !== null && offset <= flight.last) return flight;
    return offset >= this.#building.first ? this.#building : undefined;
  }
}

/** A message that is not on disk yet. */
export interface PendingPlace {
  readonly offset: number;
  readonly topic: Topic;
  readonly payloadLength: number;
}
