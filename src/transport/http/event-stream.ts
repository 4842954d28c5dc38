import { formatCursor, type Position } from "../../bus/cursor.ts";
import type { Delivery } from "../../bus/delivery.ts";
import type { Message } from "../../bus/message.ts";
import type { Gap, Identity } from "../../bus/ports.ts";
import type { Reader, ReaderHost } from "../../bus/reader.ts";
import type { Subscription, SubscriptionOptions } from "../../bus/subscription.ts";
import { formatSseGap, formatSsePosition } from "../../wire/sse.ts";
import type { Flushable } from "../flush-loop.ts";
import { Outbox, type OutboxSource } from "../outbox.ts";
import type { TransportContext } from "../transport.ts";
import type { WriteBatch } from "../write-batch.ts";
import type { Releasable } from "./connection.ts";
import type { EventTail } from "./event-tail.ts";
import type { Exchange } from "./exchange.ts";

/** What every stream is given. */
export interface EventStreamContext extends TransportContext {
  readonly positionIntervalMs: number;
  readonly tail: EventTail;
  ended(stream: EventStream): void;
}

/** How long a reader that was too slow may take to read what is on its way before it is cut. */
const SLOW_CLOSE_MS = 5_000;

const HEADERS: readonly string[] = Object.freeze([
  "Content-Type",
  "text/event-stream; charset=utf-8",
  "Cache-Control",
  "no-store",
  // nginx passes events on at once instead of collecting them.
  "X-Accel-Buffering",
  "no",
  "X-Content-Type-Options",
  "nosniff",
]);

/**
 * One reader's stream of server-sent events. The answer ends with its connection (RFC 9112 §6.3,
 * case 8), so that blocks go to the socket as they are, many streams sharing the same bytes.
 */
export class EventStream implements ReaderHost, OutboxSource, Delivery, Flushable, Releasable {
  readonly #exchange: Exchange;
  readonly #context: EventStreamContext;
  readonly #reader: Reader;
  #outbox: Outbox | null = null;
  #subscription: Subscription | null = null;
  /** Where the delivery in progress writes; set during a fill only. */
  #batch: WriteBatch | null = null;
  #heartbeat: NodeJS.Timeout | null = null;
  #isPositionDue = false;
  #isDraining = false;
  #isOver = false;

  constructor(exchange: Exchange, identity: Identity, context: EventStreamContext) {
    this.#exchange = exchange;
    this.#context = context;
    this.#reader = context.bus.openReader({ transport: "sse", identity }, this);
  }

  /** Subscribes and begins the answer. Throws `forbidden` before anything is written. */
  open(options: SubscriptionOptions): void {
    const { subscription } = this.#context.bus.subscribe(this.#reader, options);
    this.#subscription = subscription;
    // A stream that is live at once has nothing yet to tell its position by.
    this.#isPositionDue = subscription.state.is === "live";
    const { response, connection, request } = this.#exchange;
    connection.hold(this);
    response.useChunkedEncodingByDefault = false;
    response.writeHead(200, [...HEADERS, ...this.#exchange.commonHeaders]);
    response.flushHeaders();
    // A request pipelined behind another has no socket before that one is answered.
    if (response.socket === null) response.once("socket", () => this.#begin());
    else this.#begin();
    request.resume();
  }

  /** Ends the stream when everything queued for it has left. */
  drain(): void {
    this.#isDraining = true;
    this.#outbox?.whenIdle(() => this.#end());
  }

  /** Its connection has closed, or must. */
  release(): void {
    this.#end();
  }

  wake(): void {
    this.#outbox?.wake();
  }

  overflowed(): void {
    // Inside the fan-out only a note may be taken; the stream ends with this turn.
    this.#context.flushLoop.schedule(this);
  }

  /** The reader was too slow: it comes back with its last event id and goes on from there. */
  flush(): void {
    if (this.#isOver) return;
    const { socket } = this.#exchange.connection;
    this.#end();
    socket.setTimeout(SLOW_CLOSE_MS, () => socket.destroy());
  }

  fill(batch: WriteBatch, room: number): boolean {
    if (this.#isOver) return false;
    this.#batch = batch;
    this.#reader.pull(this, room);
    this.#context.tail.report();
    this.#batch = null;
    const { position } = this.#reader;
    if (this.#isPositionDue && position !== null) {
      this.#isPositionDue = false;
      batch.add(Buffer.from(formatSsePosition(this.#context.bus.cursorAt(position))));
    }
    return this.#reader.isReady;
  }

  retained(_subscription: Subscription, message: Message): number {
    const block = this.#context.tail.retainedBlock(message);
    this.#batch?.add(block);
    this.#context.observer.deliveredLate(message.origin.transport, "sse", message.qos);
    return block.length;
  }

  recovered(_subscription: Subscription, message: Message): number {
    return this.#batch === null ? 0 : this.#context.tail.addRecovered(this.#batch, message);
  }

  live(offset: number, reader: Reader): number {
    return this.#batch === null ? 0 : this.#context.tail.addLive(this.#batch, offset, reader);
  }

  wentLive(): void {
    this.#isPositionDue = true;
  }

  gap(_subscription: Subscription, from: Position, gap: Gap): void {
    const { bus } = this.#context;
    const block = formatSseGap({
      type: "gap",
      from: formatCursor(from.epoch, from.offset),
      earliest: bus.cursorAt(gap.earliest - 1),
      reason: gap.reason,
    });
    this.#batch?.add(Buffer.from(block));
  }

  dropped(): void {
    // Nothing to tell: the one policy here is `disconnect`, which drops by ending the stream.
  }

  #begin(): void {
    const { socket } = this.#exchange.connection;
    if (this.#isOver || socket.destroyed) return;
    const { flushLoop, limits, observer, positionIntervalMs } = this.#context;
    const meter = { transport: "sse", observer } as const;
    this.#outbox = new Outbox(socket, this, flushLoop, limits.outbox, meter);
    this.#outbox.wake();
    this.#heartbeat = setInterval(() => {
      this.#isPositionDue = true;
      this.wake();
    }, positionIntervalMs);
    if (this.#isDraining) this.drain();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat);
    if (this.#subscription !== null) this.#context.bus.unsubscribe(this.#subscription);
    this.#outbox?.close();
    this.#exchange.connection.unhold(this);
    this.#exchange.response.end();
    this.#context.ended(this);
  }
}
