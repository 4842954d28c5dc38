import type { Writable } from "node:stream";
import type { TransportName } from "../bus/message.ts";
import type { Flushable, FlushLoop } from "./flush-loop.ts";
import type { OutboxLimits, PendingHandOver, TransportObserver } from "./transport.ts";
import { WriteBatch } from "./write-batch.ts";

/** What an outbox reports to, and as which transport. */
export interface OutboxMeter {
  readonly transport: TransportName;
  readonly observer: TransportObserver;
}

/** Where a connection's messages come from. */
export interface OutboxSource {
  /** Adds up to about `room` bytes of what is ready. Returns whether more is left. */
  fill(batch: WriteBatch, room: number): boolean;
}

/**
 * Room for answers of four bytes: 16 at first, then 1,000. Below the size from which a batch keeps
 * what it is given instead of copying it.
 */
const FIRST_WORDS_BYTES = 64;
const WORDS_BYTES = 4_000;

/** Serves every connection in turn: a flush starts and ends within one call. */
const batch = new WriteBatch();

/**
 * The bounded output of one connection. Answers are collected during a tick and messages are pulled
 * at its end, so that everything leaves in one write; while the peer does not read, nothing is
 * pulled and the reader's own queue applies its overflow policy.
 */
export class Outbox implements Flushable {
  readonly #stream: Writable;
  readonly #source: OutboxSource;
  readonly #loop: FlushLoop;
  readonly #limits: OutboxLimits;
  readonly #meter: OutboxMeter;
  readonly #onTaken: (error?: Error | null) => void;
  /** One for each write the stream has not called back for, oldest first. */
  readonly #untaken: (PendingHandOver | null)[] = [];
  /** Acknowledgements among the answers, as pairs: when their bytes were read, and how many. */
  #acknowledged: number[] = [];
  #control: Uint8Array[] = [];
  #controlBytes = 0;
  /** Answers of four bytes that follow those in the list. */
  #words: Buffer | null = null;
  #wordsUsed = 0;
  #isScheduled = false;
  #isClosed = false;
  #hasMore = false;
  #onRelief: (() => void) | null = null;
  #onIdle: (() => void) | null = null;

  constructor(
    stream: Writable,
    source: OutboxSource,
    loop: FlushLoop,
    limits: OutboxLimits,
    meter: OutboxMeter,
  ) {
    this.#stream = stream;
    this.#source = source;
    this.#loop = loop;
    this.#limits = limits;
    this.#meter = meter;
    this.#onTaken = (error) => this.#taken(error);
    stream.on("drain", () => this.#drained());
  }

  /** The kernel takes nothing more until the peer reads. */
  get isBlocked(): boolean {
    return this.#stream.writableNeedDrain && this.#stream.writableLength > 0;
  }

  /** Answers wait for a peer that does not read them: stop reading its commands. */
  get isOverControlLimit(): boolean {
    return this.#controlBytes > this.#limits.maxControlBytes;
  }

  /** Bytes held for this connection: answers and what the stream has not handed over. */
  get pendingBytes(): number {
    return this.#controlBytes + this.#stream.writableLength;
  }

  /** Queues an answer. It leaves before any message that is pulled later. */
  control(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    this.#closeWords();
    this.#control.push(bytes);
    this.#controlBytes += bytes.length;
    this.wake();
  }

  /** As {@link control} for four bytes, without an object: what most acknowledgements of MQTT are. */
  controlWord(first: number, second: number, third: number, fourth: number): void {
    if (this.#isClosed) return;
    let words = this.#words;
    if (words === null || this.#wordsUsed === words.length) words = this.#moreWords(words);
    const at = this.#wordsUsed;
    words[at] = first;
    words[at + 1] = second;
    words[at + 2] = third;
    words[at + 3] = fourth;
    this.#wordsUsed = at + 4;
    this.#controlBytes += 4;
    this.wake();
  }

  /** The answers hold an acknowledgement to a publisher, for bytes read at `receivedAt`. */
  acknowledged(receivedAt: number): void {
    const runs = this.#acknowledged;
    const last = runs.length - 2;
    if (last >= 0 && runs[last] === receivedAt) runs[last + 1] = (runs[last + 1] ?? 0) + 1;
    else runs.push(receivedAt, 1);
  }

  /** Asks for a flush at the end of this tick. Cheap to call again. */
  wake(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    this.#loop.schedule(this);
  }

  /** Calls back once, when answers are below their limit again. */
  whenBelowControlLimit(callback: () => void): void {
    this.#onRelief = callback;
  }

  /** Calls back once, when everything has been handed to the kernel or the outbox is closed. */
  whenIdle(callback: () => void): void {
    this.#onIdle = callback;
    this.wake();
    if (this.#isClosed) this.#tellIdle();
  }

  flush(): void {
    this.#isScheduled = false;
    if (this.#isClosed || this.#stream.destroyed) return;
    if (this.isBlocked) return;
    try {
      this.#fill();
    } catch (error) {
      // What is left in the shared batch must never reach another connection.
      batch.discard();
      this.#meter.observer.discarded();
      this.close();
      this.#stream.destroy();
      throw error;
    }
    if (batch.bytes > 0) this.#write();
    this.#relieve();
    if (this.#hasMore && !this.isBlocked) this.wake();
    this.#tellIdleIfDone();
  }

  /** Drops what is queued; nothing is written from here on. */
  close(): void {
    this.#isClosed = true;
    this.#closeWords();
    this.#control.length = 0;
    this.#controlBytes = 0;
    this.#onRelief = null;
    this.#tellIdle();
  }

  #fill(): void {
    this.#closeWords();
    for (const bytes of this.#control) batch.add(bytes);
    if (this.#control.length > 0 && this.#acknowledged.length > 0) this.#reportAcknowledged();
    this.#control.length = 0;
    this.#controlBytes = 0;
    const room = this.#limits.highWaterBytes - batch.bytes;
    this.#hasMore = room > 0 ? this.#source.fill(batch, room) : true;
  }

  #moreWords(full: Buffer | null): Buffer {
    this.#closeWords();
    const words = Buffer.allocUnsafe(full === null ? FIRST_WORDS_BYTES : WORDS_BYTES);
    this.#words = words;
    return words;
  }

  /** They take their place in the list; an idle connection keeps no room for more. */
  #closeWords(): void {
    if (this.#words === null) return;
    this.#control.push(this.#words.subarray(0, this.#wordsUsed));
    this.#words = null;
    this.#wordsUsed = 0;
  }

  #write(): void {
    const { observer } = this.#meter;
    batch.writeTo(this.#stream, this.#onTaken);
    // The stream calls back later in any case, but has nothing left when the kernel took it all.
    const isTaken = this.#stream.writableLength === 0;
    if (isTaken) observer.handedOver();
    this.#untaken.push(isTaken ? null : observer.handOverLater());
  }

  #taken(error: Error | null | undefined): void {
    const write = this.#untaken.shift();
    if (error === null || error === undefined) write?.settle();
  }

  #reportAcknowledged(): void {
    const { observer, transport } = this.#meter;
    const runs = this.#acknowledged;
    for (let i = 0; i < runs.length; i += 2) {
      observer.acknowledged(transport, runs[i] ?? 0, runs[i + 1] ?? 0);
    }
    runs.length = 0;
  }

  #drained(): void {
    if (this.#isClosed) return;
    this.wake();
  }

  #relieve(): void {
    const callback = this.#onRelief;
    if (callback === null || this.isOverControlLimit) return;
    this.#onRelief = null;
    callback();
  }

  #tellIdleIfDone(): void {
    if (this.#onIdle === null || this.#hasMore || this.#controlBytes > 0) return;
    if (this.#stream.writableLength === 0) this.#tellIdle();
    else this.#stream.write(new Uint8Array(0), () => this.#tellIdle());
  }

  #tellIdle(): void {
    const callback = this.#onIdle;
    this.#onIdle = null;
    callback?.();
  }
}
