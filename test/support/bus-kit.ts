import { Bus, type BusLimits } from "../../src/bus/bus.ts";
import {
  type MessageDraft,
  type MessageProperties,
  NO_PROPERTIES,
  type Origin,
  type QoS,
} from "../../src/bus/message.ts";
import type { OverflowPolicy } from "../../src/bus/overflow.ts";
import {
  type AccessPolicy,
  ANONYMOUS,
  type BusObserver,
  type DropReason,
  type MessageLog,
} from "../../src/bus/ports.ts";
import type { Reader, ReaderHost } from "../../src/bus/reader.ts";
import type { Start, Subscription } from "../../src/bus/subscription.ts";
import {
  PROTOCOL_TOPIC_LIMITS,
  parseFilter,
  parseTopic,
  type Topic,
  type TopicFilter,
} from "../../src/bus/topic.ts";
import { type LogWindow, MemoryMessageLog } from "../../src/store/memory/message-log.ts";
import { MemoryRetainedStore } from "../../src/store/memory/retained-store.ts";
import { FakeClock } from "./fake-clock.ts";
import { RecordingDelivery } from "./recording-delivery.ts";

/** The epoch of every log a kit makes, unless it is given another. */
export const EPOCH = "epoch0001";

export const TEST_LIMITS: BusLimits = {
  maxPayloadBytes: 1_048_576,
  maxRetainedMessages: 1_000,
  maxRetainedBytes: 16_777_216,
  queue: { maxMessages: 256, maxBytes: 1_048_576 },
};

export const TEST_WINDOW: LogWindow = {
  maxMessages: 1_024,
  maxBytes: 16_777_216,
  maxAgeMs: Number.POSITIVE_INFINITY,
};

export const TEST_ORIGIN: Origin = Object.freeze({ transport: "http", sessionId: "publisher" });

export function topic(text: string): Topic {
  return parseTopic(text, PROTOCOL_TOPIC_LIMITS);
}

export function filter(text: string): TopicFilter {
  return parseFilter(text, PROTOCOL_TOPIC_LIMITS);
}

export interface DraftOptions {
  readonly payload?: string | Uint8Array;
  readonly retain?: boolean;
  readonly qos?: QoS;
  readonly properties?: MessageProperties;
  readonly receivedAt?: number;
}

export function draft(topicText: string, options: DraftOptions = {}): MessageDraft {
  const payload = options.payload ?? "";
  return {
    topic: topic(topicText),
    payload: typeof payload === "string" ? new TextEncoder().encode(payload) : payload,
    qos: options.qos ?? 0,
    retain: options.retain ?? false,
    properties: options.properties ?? NO_PROPERTIES,
    origin: TEST_ORIGIN,
    receivedAt: options.receivedAt ?? 0,
  };
}

/** Counts what the bus reports. */
export class CountingObserver implements BusObserver {
  acceptedCount = 0;
  readonly refusals: string[] = [];
  readonly drops = new Map<DropReason, number>();
  readonly recoveries: string[] = [];

  accepted(): void {
    this.acceptedCount += 1;
  }

  refused(_transport: string, code: string): void {
    this.refusals.push(code);
  }

  dropped(_transport: string, reason: DropReason, count: number): void {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + count);
  }

  recovered(_transport: string, result: string): void {
    this.recoveries.push(result);
  }
}

export interface KitOptions {
  readonly limits?: Partial<BusLimits>;
  readonly window?: Partial<LogWindow>;
  readonly policy?: AccessPolicy;
  readonly epoch?: string;
  readonly log?: MessageLog;
}

/** One session's reader, with what it was woken and ended for. */
export interface TestReader {
  readonly reader: Reader;
  readonly delivery: RecordingDelivery;
  readonly wakes: { count: number };
  readonly overflows: Subscription[];
  /** Pulls everything, or as much as `room` allows, and returns what was delivered, in words. */
  pull(room?: number): readonly string[];
}

/** A bus over memory stores with a clock moved by hand. */
export class BusKit {
  readonly clock = new FakeClock();
  readonly observer = new CountingObserver();
  readonly retained = new MemoryRetainedStore();
  readonly log: MessageLog;
  readonly bus: Bus;

  constructor(options: KitOptions = {}) {
    this.log =
      options.log ??
      new MemoryMessageLog({
        epoch: options.epoch ?? EPOCH,
        window: { ...TEST_WINDOW, ...options.window },
        clock: this.clock,
      });
    this.bus = new Bus({
      log: this.log,
      retained: this.retained,
      clock: this.clock,
      policy: options.policy ?? null,
      observer: this.observer,
      limits: { ...TEST_LIMITS, ...options.limits },
    });
  }

  publish(topicText: string, payload = "", options: DraftOptions = {}): number {
    this.bus.accept(draft(topicText, { ...options, payload }), ANONYMOUS, null);
    return this.bus.lastOffset;
  }

  reader(identity = ANONYMOUS): TestReader {
    const wakes = { count: 0 };
    const overflows: Subscription[] = [];
    const host: ReaderHost = {
      wake: () => {
        wakes.count += 1;
      },
      overflowed: (_reader, subscription) => {
        if (subscription !== undefined) overflows.push(subscription);
      },
    };
    const reader = this.bus.openReader({ transport: "websocket", identity }, host);
    const delivery = new RecordingDelivery();
    const pull = (room = 1_000_000): readonly string[] => {
      reader.pull(delivery, room);
      return delivery.takeWords();
    };
    return { reader, delivery, wakes, overflows, pull };
  }

  subscribe(
    reader: Reader,
    filters: string | readonly string[],
    options: { start?: Start; overflow?: OverflowPolicy; retained?: boolean; tag?: unknown } = {},
  ): Subscription {
    const list = typeof filters === "string" ? [filters] : filters;
    const { subscription } = this.bus.subscribe(
      reader,
      {
        filters: list.map(filter),
        start: options.start ?? { from: "now" },
        overflow: options.overflow ?? "disconnect",
        retained: options.retained ?? true,
      },
      options.tag ?? list.join(" "),
    );
    return subscription;
  }
}
