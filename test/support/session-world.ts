import { Bus } from "../../src/bus/bus.ts";
import { type Message, NO_PROPERTIES, type QoS } from "../../src/bus/message.ts";
import { ANONYMOUS, type Receipt } from "../../src/bus/ports.ts";
import type { ErrorCode } from "../../src/errors.ts";
import { SILENT_LOGGER } from "../../src/telemetry/logger.ts";
import { Telemetry } from "../../src/telemetry/telemetry.ts";
import { LivePublishes } from "../../src/transport/mqtt/live-publishes.ts";
import type { MqttSession } from "../../src/transport/mqtt/mqtt-session.ts";
import type { DeliveryForm } from "../../src/transport/mqtt/outgoing-sender.ts";
import type {
  SessionEncoder,
  SessionLimits,
  SessionLink,
} from "../../src/transport/mqtt/session-parts.ts";
import { SessionTable } from "../../src/transport/mqtt/session-table.ts";
import type { SessionWill } from "../../src/transport/mqtt/session-will.ts";
import { SharedMessage } from "../../src/transport/mqtt/shared-message.ts";
import { WriteBatch } from "../../src/transport/write-batch.ts";
import { filter, TEST_LIMITS, topic } from "./bus-kit.ts";
import { RestartableStore } from "./restartable-store.ts";

/** A packet from the gateway to a client. */
export type Sent =
  | {
      readonly is: "publish";
      readonly id: number;
      readonly payload: string;
      readonly qos: QoS;
      readonly dup: boolean;
      readonly retain: boolean;
    }
  | { readonly is: "pubrel" | "pubrec" | "pubcomp" | "puback"; readonly id: number };

export interface WorldOptions {
  readonly window?: number;
  readonly limits?: Partial<SessionLimits>;
  readonly sessionExpirySeconds?: number;
}

const LIMITS: SessionLimits = {
  maxInflight: 3,
  maxQueuedMessages: 1_000,
  maxQueuedBytes: 1_000_000,
  queueOverflow: "disconnect",
};

/**
 * The parts that MQTT engines share, over a store that can crash, with an engine in place of the real
 * ones that answers as the protocol says and has no socket: each step is one call.
 */
export class SessionWorld {
  readonly store: RestartableStore;
  readonly telemetry = new Telemetry();
  /** Payloads whose publishers were refused, although they may have been fanned out. */
  readonly refused = new Set<string>();
  #bus: Bus;
  #table: SessionTable;
  readonly #options: WorldOptions;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.store = new RestartableStore({ window: options.window ?? 10_000 });
    [this.#bus, this.#table] = this.#begin();
  }

  get bus(): Bus {
    return this.#bus;
  }

  get table(): SessionTable {
    return this.#table;
  }

  dropped(reason: string): number {
    const series = this.telemetry.counters.droppedSeries();
    return series
      .filter(({ labels }) => labels.reason === reason)
      .reduce((n, each) => n + each.count, 0);
  }

  /** A new process on what the disk has. */
  restart(): void {
    this.store.crash();
    this.#table.stop();
    [this.#bus, this.#table] = this.#begin();
  }

  /** Stops as `SIGTERM` does, and starts again. */
  stopAndRestart(): void {
    this.#table.drain();
    this.#table.stop();
    this.settle();
    this.restart();
  }

  settle(): void {
    for (let i = 0; i < 100 && this.store.hasPending; i += 1) this.store.settle();
  }

  publish(
    payload: string,
    qos: QoS = 1,
    options: { retain?: boolean; topic?: string } = {},
    receipt: Receipt | null = null,
  ): void {
    const draft = {
      topic: topic(options.topic ?? "t"),
      payload: Buffer.from(payload),
      qos,
      retain: options.retain ?? false,
      properties: NO_PROPERTIES,
      origin: { transport: "mqtt", sessionId: "publisher" } as const,
      receivedAt: this.store.clock.now(),
    };
    this.#bus.accept(draft, ANONYMOUS, receipt);
  }

  connect(clientId: string, options: { clean?: boolean; will?: SessionWill } = {}): WorldLink {
    return new WorldLink(this.#table, clientId, options);
  }

  #begin(): [Bus, SessionTable] {
    const { log, retained, sessions, keys } = this.store.open();
    const { clock } = this.store;
    const observer = this.telemetry;
    const parts = { log, retained, sessions, keys, clock, policy: null, observer };
    const bus = new Bus({ ...parts, limits: TEST_LIMITS });
    bus.restore();
    const shared = new SharedMessage(bus);
    const publishes = new LivePublishes();
    const limits = { ...LIMITS, ...this.#options.limits };
    const table = new SessionTable(
      { bus, observer, logger: SILENT_LOGGER, shared, publishes, limits },
      { maxSessions: 100, sessionExpirySeconds: this.#options.sessionExpirySeconds ?? 0 },
      clock,
    );
    table.start();
    return [bus, table];
  }
}

/** One connection; what it is sent piles up in {@link wire}. */
export class WorldLink implements SessionLink, SessionEncoder {
  readonly transport = "mqtt";
  readonly identity = ANONYMOUS;
  readonly origin;
  readonly connectedAt = 0;
  readonly receiveMaximum = 65_535;
  readonly wire: Sent[] = [];
  readonly session: MqttSession;
  /** CONNACK has been sent. */
  isOpen = false;
  /** Turns asked for since {@link fillOnce}. */
  wakes = 0;
  endReason: ErrorCode | "replaced" | null = null;
  readonly #table: SessionTable;
  readonly #batch = new WriteBatch();

  constructor(
    table: SessionTable,
    clientId: string,
    options: { clean?: boolean; will?: SessionWill },
  ) {
    this.#table = table;
    this.origin = { transport: "mqtt", sessionId: `connection of ${clientId}` } as const;
    const clean = options.clean ?? false;
    this.session = table.attach(this, {
      clientId,
      isCleanStart: clean,
      endsWithConnection: clean,
      expirySeconds: null,
      will: options.will ?? null,
    });
    this.session.record.whenDurable((refusal) => {
      if (refusal !== null) {
        this.#failed();
        return;
      }
      this.isOpen = true;
      this.session.open();
    });
  }

  get encoder(): SessionEncoder {
    return this;
  }

  wake(): void {
    // The test fills when it likes.
    this.wakes += 1;
  }

  endSoon(reason: ErrorCode): void {
    this.endReason ??= reason;
  }

  replaced(): void {
    this.endReason = "replaced";
    this.close();
  }

  close(isGraceful = false): void {
    this.#table.detach(this.session, this, { isGraceful });
  }

  subscribe(text: string, qos: QoS, id = 0): void {
    const options = { qos, noLocal: false, retainAsPublished: false, id };
    this.session.subscribe(filter(text), options);
  }

  share(group: string, text: string, qos: QoS): void {
    const options = { qos, noLocal: false, retainAsPublished: false, id: 0 };
    const name = `$share/${group}/${text}`;
    this.session.share({ ...options, name, group, filter: filter(text) });
  }

  /** One turn; whether another one is asked for. */
  fillOnce(): boolean {
    this.wakes = 0;
    return this.session.fill(this.#batch, 1_000_000);
  }

  fill(room = 1_000_000): void {
    while (this.isOpen && this.session.fill(this.#batch, room));
  }

  /** Takes every message that is due, and acknowledges none. */
  take(): readonly Sent[] {
    this.fill();
    return this.wire.splice(0);
  }

  payloads(): readonly string[] {
    return this.take().flatMap((sent) => (sent.is === "publish" ? [sent.payload] : []));
  }

  pubrec(id: number): void {
    this.session.received(id);
    this.#answer({ is: "pubrel", id });
  }

  /** A PUBLISH of QoS 2 from the client. */
  publishOnce(world: SessionWorld, id: number, payload: string): void {
    const waiting = this.session.incoming.get(id);
    const tell = (error?: Error | null) => {
      if (error === null || error === undefined) this.wire.push({ is: "pubrec", id });
    };
    if (waiting === null) tell();
    if (waiting !== undefined) {
      waiting?.push(tell);
      return;
    }
    const told = [tell];
    this.session.take(id, told);
    world.publish(
      payload,
      2,
      {},
      {
        accepted: () => {
          this.session.incoming.set(id, null);
          for (const each of told) each();
        },
        refused: () => {
          world.refused.add(payload);
          this.session.release(id);
          this.#failed();
        },
      },
    );
  }

  pubrel(id: number): void {
    this.session.release(id);
    this.#answer({ is: "pubcomp", id });
  }

  addPublish(_batch: unknown, message: Message, form: DeliveryForm): number {
    const { qos, packetId: id, isDuplicate: dup, isRetained: retain } = form;
    this.wire.push({ is: "publish", id, payload: text(message), qos, dup, retain });
    return 100;
  }

  addPubrel(_batch: unknown, id: number): number {
    this.wire.push({ is: "pubrel", id });
    return 4;
  }

  addLive(): number {
    throw new Error("the world subscribes with acknowledgement alone");
  }

  addQueued(): number {
    return 0;
  }

  addUnacknowledged(): number {
    throw new Error("the world subscribes with acknowledgement alone");
  }

  #answer(sent: Sent): void {
    this.session.record.whenDurable((refusal) => {
      if (refusal === null) this.wire.push(sent);
      else this.#failed();
    });
  }

  /** The store has failed: no answer is the only true one. */
  #failed(): void {
    this.endReason ??= "store_unavailable";
    this.close();
  }
}

function text({ payload }: Message): string {
  return Buffer.from(payload).toString();
}
