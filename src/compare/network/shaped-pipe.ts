import type { Socket } from "node:net";
import { Alarm } from "./alarm.ts";
import { type DirectionProfile, SEGMENT_BYTES } from "./network-profile.ts";
import { Shaper } from "./shaper.ts";

/** Bytes one direction of one connection may hold; also what fits when there is no limit of rate. */
const LEAST_QUEUE_BYTES = 65_536;
/** A queue of twice what is under way on a full link: the usual allowance of a router's buffer. */
const QUEUE_IN_FLIGHTS = 2;

type Item =
  | { readonly is: "bytes"; readonly dueMs: number; readonly bytes: Buffer }
  | { readonly is: "end" | "reset"; readonly dueMs: number };

/**
 * One direction of a connection: takes what `source` reads, and gives it to `sink` when the shaper
 * says so, in order. Holds a bounded number of bytes; past that it stops reading, so that the
 * sender's own window closes.
 */
export class ShapedPipe {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #shaper: Shaper;
  readonly #segmentBytes: number;
  readonly #maxBytes: number;
  readonly #alarm = new Alarm(() => this.#release());
  #items: Item[] = [];
  /** Items of the array that have gone. */
  #gone = 0;
  #queuedBytes = 0;
  #heldUntilMs = 0;
  #isOpen = false;
  #isBlocked = false;
  #isSilent = false;

  constructor(source: Socket, sink: Socket, profile: DirectionProfile, seed: number) {
    this.#source = source;
    this.#sink = sink;
    this.#shaper = new Shaper(profile, seed);
    const { bytesPerSecond, latencyMs } = profile;
    const perMs = (bytesPerSecond ?? 0) / 1_000;
    // At most a millisecond of the link, so that a long write trickles as it would.
    this.#segmentBytes = bytesPerSecond === null ? Infinity : Math.max(SEGMENT_BYTES, perMs);
    this.#maxBytes = Math.max(LEAST_QUEUE_BYTES, QUEUE_IN_FLIGHTS * perMs * latencyMs);
    sink.on("drain", () => {
      this.#isBlocked = false;
      this.#release();
    });
  }

  get isSilent(): boolean {
    return this.#isSilent;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** The sink can be written to. */
  open(): void {
    this.#isOpen = true;
    this.#release();
  }

  take(chunk: Buffer): void {
    if (this.#isSilent) return;
    const now = performance.now();
    this.#shaper.arrive();
    for (let start = 0; start < chunk.length; start += this.#segmentBytes) {
      const bytes = chunk.subarray(start, start + this.#segmentBytes);
      this.#push({ is: "bytes", bytes, dueMs: this.#shaper.dueMs(now, bytes.length) });
    }
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes >= this.#maxBytes) this.#source.pause();
    this.#release();
  }

  /** The source ended, well or by a reset: the sink is told behind all bytes. */
  finish(how: "end" | "reset"): void {
    if (this.#isSilent) return;
    this.#push({ is: how, dueMs: this.#shaper.dueMs(performance.now(), 0) });
    this.#release();
  }

  /** Whatever was read and not passed, and all that comes, is gone; the sender is not told. */
  silence(): void {
    this.#isSilent = true;
    this.discard();
    this.#source.resume();
  }

  /** Nothing passes before `untilMs`. */
  stallUntil(untilMs: number): void {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, untilMs);
    this.#shaper.holdUntil(untilMs);
    this.#release();
  }

  /** Forgets what is held, and stops. */
  discard(): void {
    this.#alarm.cancel();
    this.#items = [];
    this.#gone = 0;
    this.#queuedBytes = 0;
  }

  #push(item: Item): void {
    this.#items.push(item);
  }

  #release(): void {
    this.#alarm.cancel();
    const now = performance.now();
    let written = 0;
    // All that is due leaves in one system call.
    this.#sink.cork();
    while (this.#isOpen && !this.#isBlocked && this.#heldUntilMs <= now) {
      const item = this.#items[this.#gone];
      if (item === undefined || item.dueMs > now) break;
      this.#gone += 1;
      if (item.is === "bytes") {
        written += item.bytes.length;
        this.#isBlocked = !this.#sink.write(item.bytes);
      } else if (item.is === "end") this.#sink.end();
      else this.#sink.resetAndDestroy();
    }
    this.#sink.uncork();
    this.#forget(written);
    this.#wakeForNext();
  }

  #forget(written: number): void {
    // Half of the array at a time, so that an item costs a constant.
    if (this.#gone > 64 && this.#gone * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#gone);
      this.#gone = 0;
    }
    const wasFull = this.#queuedBytes >= this.#maxBytes;
    this.#queuedBytes = Math.max(0, this.#queuedBytes - written);
    if (wasFull && this.#queuedBytes < this.#maxBytes) this.#source.resume();
  }

  #wakeForNext(): void {
    const next = this.#items[this.#gone];
    if (next === undefined || !this.#isOpen || this.#isBlocked) return;
    this.#alarm.set(Math.max(next.dueMs, this.#heldUntilMs));
  }
}
