import { Writable } from "node:stream";
import { Bus } from "../src/bus/bus.ts";
import { NO_PROPERTIES } from "../src/bus/message.ts";
import { ANONYMOUS, type BusObserver } from "../src/bus/ports.ts";
import type { Reader } from "../src/bus/reader.ts";
import { PROTOCOL_TOPIC_LIMITS, parseFilter, parseTopic } from "../src/bus/topic.ts";
import { MemoryMessageLog } from "../src/store/memory/message-log.ts";
import { MemoryRetainedStore } from "../src/store/memory/retained-store.ts";
import { Telemetry } from "../src/telemetry/telemetry.ts";
import { readClock, TickClock } from "../src/telemetry/tick-clock.ts";
import { CommandDelivery } from "../src/transport/command-session-delivery.ts";
import type { CommandForm } from "../src/transport/command-session-form.ts";
import { FlushLoop } from "../src/transport/flush-loop.ts";
import { Outbox } from "../src/transport/outbox.ts";
import type { TransportObserver } from "../src/transport/transport.ts";

/** Whether deliveries are counted and timed. */
export type TelemetryMode = "on" | "off";

/** What telemetry is replaced by when it is off. */
export const NOTHING: TransportObserver & BusObserver = {
  readNow: readClock,
  accepted: () => undefined,
  refused: () => undefined,
  dropped: () => undefined,
  recovered: () => undefined,
  connected: () => undefined,
  disconnected: () => undefined,
  delivered: () => undefined,
  deliveredLate: () => undefined,
  acknowledged: () => undefined,
  held: () => undefined,
  handedOver: () => undefined,
  handOverLater: () => null,
  discarded: () => undefined,
  carries: () => undefined,
  closed: () => undefined,
};

const ENCODED = new Uint8Array(160).fill(120);

/** Encoding that costs nothing: it would take five times as long as all the rest, and vary by more. */
const PLAIN_FORM: CommandForm = {
  egress: "websocket",
  subprotocol: "tributary.v1.json",
  parse: () => {
    throw new Error("the benchmark sends no commands");
  },
  frame: () => ENCODED,
  live: () => ENCODED,
  addressed: () => ENCODED,
};

/** Resolves behind what the turn of the event loop has to do. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A socket whose kernel takes everything at once. */
class Sink extends Writable {
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
}

/** One publisher and its readers, from the bus to their sockets. */
export class DeliveryRig {
  readonly #telemetry: Telemetry | null;
  readonly #bus: Bus;
  readonly #loop = new FlushLoop((error) => {
    throw error;
  });
  readonly #clock = new TickClock();
  readonly #batch: number;
  #delivered = 0;

  /** @param batch messages published in one turn of the event loop, as one read chunk brings them. */
  constructor(mode: TelemetryMode, readers: number, batch: number) {
    const clock = this.#clock;
    this.#batch = batch;
    this.#telemetry = mode === "on" ? new Telemetry({ clock, readNow: readClock }) : null;
    const observer = this.#telemetry ?? NOTHING;
    this.#bus = new Bus({
      log: new MemoryMessageLog({
        epoch: "bench0000",
        window: { maxMessages: 65_536, maxBytes: 67_108_864, maxAgeMs: 600_000 },
        clock: mode === "on" ? { now: () => clock.precise() } : clock,
      }),
      retained: new MemoryRetainedStore(),
      clock,
      policy: null,
      observer,
      limits: {
        maxPayloadBytes: 1_048_576,
        maxRetainedMessages: 1_000,
        maxRetainedBytes: 1_048_576,
        queue: { maxMessages: 16_384, maxBytes: 16_777_216 },
      },
    });
    const delivery = new CommandDelivery(PLAIN_FORM, this.#bus, observer);
    for (let i = 0; i < readers; i += 1) this.#addReader(delivery, observer);
  }

  /** Publishes so many messages, one batch a turn; every reader is written each of them. */
  async run(messages: number): Promise<void> {
    const topic = parseTopic("bench/telemetry", PROTOCOL_TOPIC_LIMITS);
    const origin = { transport: "mqtt", sessionId: "bench" } as const;
    const payload = new Uint8Array(128).fill(120);
    for (let sent = 0; sent < messages; sent += this.#batch) {
      const receivedAt = this.#clock.now();
      const properties = NO_PROPERTIES;
      for (let i = 0; i < this.#batch; i += 1) {
        const draft = {
          topic,
          payload,
          qos: 0 as const,
          retain: false,
          properties,
          origin,
          receivedAt,
        };
        this.#bus.accept(draft, ANONYMOUS, null);
      }
      // Scheduled behind the flushes, which are the next turn.
      await nextTurn();
    }
  }

  /** Throws when something was not delivered, or was not counted. */
  check(): void {
    if (this.#delivered === 0) throw new Error("the benchmark delivered nothing");
    if (this.#telemetry === null) return;
    const { counters, deliveries } = this.#telemetry;
    const counted = counters.deliveredSeries()[0]?.count ?? 0;
    const timed = deliveries.pairSeries()[0]?.histogram.count ?? 0;
    if (counted === 0 || counted !== timed) {
      throw new Error(`telemetry counted ${counted} deliveries and timed ${timed}`);
    }
  }

  #addReader(delivery: CommandDelivery, observer: TransportObserver): void {
    const sink = new Sink({ highWaterMark: 16_777_216, decodeStrings: false });
    const host = {
      wake: (woken: Reader) => {
        reader = woken;
        outbox.wake();
      },
      overflowed: () => {
        throw new Error("the benchmark ended a reader");
      },
    };
    let reader = this.#bus.openReader({ transport: "websocket", identity: ANONYMOUS }, host);
    const limits = { highWaterBytes: 262_144, maxControlBytes: 262_144 };
    const source = {
      fill: (batch: Parameters<CommandDelivery["fill"]>[1], room: number) => {
        const hasMore = delivery.fill(reader, batch, room);
        this.#delivered += 1;
        return hasMore;
      },
    };
    const meter = { transport: "websocket", observer } as const;
    const outbox = new Outbox(sink, source, this.#loop, limits, meter);
    this.#bus.subscribe(reader, {
      filters: [parseFilter("bench/#", PROTOCOL_TOPIC_LIMITS)],
      start: { from: "now" },
      overflow: "disconnect",
      retained: false,
    });
  }
}
