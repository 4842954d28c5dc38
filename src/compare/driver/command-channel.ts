import { encodeCommand } from "../../wire/command-request.ts";
import type { ServerFrame } from "../../wire/frame.ts";
import { monotonicNs } from "../pacer.ts";
import type { DriverContext, OnPayload, Subscription } from "./driver.ts";

const SUBSCRIBE_ID = "reader";

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (cause: Error) => void;
}

/**
 * The command protocol as a run needs it, over any connection that carries frames: publishes answered
 * by id, one subscription. It never reconnects: a run with a lost connection is void.
 */
export class CommandChannel {
  /** Resolves at the gateway's first frame. */
  readonly welcomed: Promise<void>;
  readonly #context: DriverContext;
  readonly #send: (frame: string | Uint8Array) => void;
  readonly #published = new Map<number, Waiting>();
  #welcome: Waiting | null = null;
  #live: Waiting | null = null;
  #onPayload: OnPayload | null = null;
  #nextId = 1;
  #cursor: string | null = null;
  #hasFailed = false;

  constructor(context: DriverContext, send: (frame: string | Uint8Array) => void) {
    this.#context = context;
    this.#send = send;
    this.welcomed = new Promise((resolve, reject) => {
      this.#welcome = { resolve, reject };
    });
  }

  /** Sends what `encode` makes of the next id; resolves with its `published`. */
  publish(encode: (id: number) => string | Uint8Array): Promise<void> {
    const id = this.#nextId++;
    const answered = new Promise<void>((resolve, reject) => {
      this.#published.set(id, { resolve, reject });
    });
    this.#send(encode(id));
    return answered;
  }

  /** What the reader has everything up to; `null` before it is live. */
  get cursor(): string | null {
    return this.#cursor;
  }

  /** Resolves when the subscription is live. */
  subscribe({ filter, start }: Subscription, onPayload: OnPayload): Promise<void> {
    this.#onPayload = onPayload;
    const retained = start.from === "now" && start.wantsRetained;
    const cursor = start.from === "position" && start.position !== null ? start.position : "now";
    this.#cursor = cursor === "now" ? null : cursor;
    const live = new Promise<void>((resolve, reject) => {
      this.#live = { resolve, reject };
    });
    this.#send(encodeCommand({ type: "subscribe", id: SUBSCRIBE_ID, filter, cursor, retained }));
    return live;
  }

  /** Takes a frame as it came; `read` may throw. */
  receive(read: () => ServerFrame): void {
    let frame: ServerFrame;
    try {
      frame = read();
    } catch (cause) {
      this.fail(cause instanceof Error ? cause : new Error(String(cause)));
      return;
    }
    if (frame.type === "message") {
      this.#onPayload?.(frame.message.payload, monotonicNs());
      this.#cursor = frame.message.cursor ?? this.#cursor;
    } else if (frame.type === "position") this.#cursor = frame.cursor;
    else if (frame.type === "published") this.#take(frame.id)?.resolve();
    else if (frame.type === "welcome") this.#welcome?.resolve();
    else if (frame.type === "live") {
      this.#cursor = frame.cursor;
      this.#live?.resolve();
    } else if (frame.type === "error") {
      const refusal = new Error(`${frame.code}: ${frame.message}`);
      const publish = this.#take(frame.id);
      if (publish !== undefined) publish.reject(refusal);
      else this.fail(refusal);
    }
  }

  /** The connection is of no use any more. */
  fail(cause: Error): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#welcome?.reject(cause);
    this.#live?.reject(cause);
    for (const { reject } of this.#published.values()) reject(cause);
    this.#published.clear();
    this.#context.onFailure(cause);
  }

  #take(id: unknown): Waiting | undefined {
    if (typeof id !== "number") return undefined;
    const waiting = this.#published.get(id);
    this.#published.delete(id);
    return waiting;
  }
}
