import type { Cursor } from "../bus/cursor.ts";
import type { OverflowPolicy } from "../bus/overflow.ts";
import { matches, PROTOCOL_TOPIC_LIMITS, parseFilter, type TopicFilter } from "../bus/topic.ts";
import { GatewayError } from "../errors.ts";
import type { DroppedFrame, GapFrame, ServerFrame } from "../wire/frame.ts";
import type { ReceivedMessage } from "../wire/json-message.ts";

/** What a subscription tells. Handlers must not throw. */
export interface SubscriptionHandlers {
  onMessage(message: ReceivedMessage): void;
  /** Messages are missing and will not come; delivery goes on from `earliest`. */
  onGap?(gap: GapFrame): void;
  /** The gateway dropped messages because this client was too slow for its policy. */
  onDropped?(dropped: DroppedFrame): void;
  /** The gateway no longer grants this subscription; it will not be asked for again. */
  onRefused?(error: GatewayError): void;
}

/** How a subscription begins and what the gateway does when its queue is full. */
export interface SubscribeOptions {
  readonly start?: "now" | "earliest" | Cursor;
  readonly retained?: boolean;
  readonly overflow?: OverflowPolicy;
}

type State = "asked" | "catching up" | "live" | "ended";

/**
 * One filter of a client and its position. The position moves with every frame that proves that
 * everything up to it has been handed over, so resuming from it leaves no hole and no duplicate.
 */
export class ClientSubscription {
  readonly filter: TopicFilter;
  /** Resolves when the subscription first is live; rejects when it is refused before that. */
  readonly ready: Promise<void>;
  readonly #options: SubscribeOptions;
  readonly #handlers: SubscriptionHandlers;
  #state: State = "asked";
  #cursor: Cursor | null = null;
  #becomeReady: () => void = noop;
  #failReady: (error: GatewayError) => void = noop;

  /** Throws `invalid_filter`. */
  constructor(filter: string, options: SubscribeOptions, handlers: SubscriptionHandlers) {
    this.filter = parseFilter(filter, PROTOCOL_TOPIC_LIMITS);
    this.#options = options;
    this.#handlers = handlers;
    this.ready = new Promise((resolve, reject) => {
      this.#becomeReady = resolve;
      this.#failReady = reject;
    });
    // A caller who never looks at `ready` learns of a refusal from `onRefused`.
    this.ready.catch(noop);
  }

  /** The position to resume from, now or in another process; `null` until the gateway named one. */
  get cursor(): Cursor | null {
    return this.#cursor;
  }

  get isLive(): boolean {
    return this.#state === "live";
  }

  /** The fields of the `subscribe` command to send on a new connection. */
  command(): { filter: TopicFilter; cursor: string; retained: boolean; overflow: OverflowPolicy } {
    this.#state = "asked";
    return {
      filter: this.filter,
      cursor: this.#cursor ?? this.#options.start ?? "now",
      // What was retained has been seen, or is among the messages that will be recovered.
      retained: this.#cursor === null && (this.#options.retained ?? true),
      overflow: this.#options.overflow ?? "disconnect",
    };
  }

  /** A frame that carries this subscription's id or filter. */
  handle(frame: ServerFrame): void {
    if (this.#state === "ended") return;
    switch (frame.type) {
      case "subscribed":
        this.#state = "catching up";
        // A start at now is not begun until it is live: cut before that, its retained messages would
        // be missing from a resumption.
        if ((this.#options.start ?? "now") !== "now") this.#cursor ??= frame.cursor;
        break;
      case "live":
        this.#state = "live";
        this.#cursor = frame.cursor;
        this.#becomeReady();
        break;
      case "message":
        if (frame.message.cursor !== null) this.#cursor = frame.message.cursor;
        this.#handlers.onMessage(frame.message);
        break;
      case "gap":
        this.#cursor = frame.earliest;
        this.#handlers.onGap?.(frame);
        break;
      case "dropped":
        this.#handlers.onDropped?.(frame);
        break;
      default:
        break;
    }
  }

  /** A live message of the connection; handed over when it is one of this subscription's. */
  offer(message: ReceivedMessage): void {
    if (this.#state !== "live") return;
    if (message.cursor !== null) this.#cursor = message.cursor;
    if (matches(this.filter, message.topic)) this.#handlers.onMessage(message);
  }

  /** The connection-wide position moved; it holds for what is live. */
  moveTo(cursor: Cursor): void {
    if (this.#state === "live") this.#cursor = cursor;
  }

  refuse(error: GatewayError): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#failReady(error);
    this.#handlers.onRefused?.(error);
  }

  /** Nothing is handed over after this. */
  end(): void {
    this.#state = "ended";
    this.#failReady(
      new GatewayError("session_replaced", "the subscription was ended by its owner"),
    );
  }
}

function noop(): void {
  // Stands in until the promise has given its own.
}
