import type { Bus } from "../../bus/bus.ts";
import type { Clock } from "../../bus/clock.ts";
import type { Origin } from "../../bus/message.ts";
import type { Receipt } from "../../bus/ports.ts";
import { toGatewayError } from "../../errors.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { MqttSession } from "./mqtt-session.ts";

/** What the wills of an engine's sessions need. */
export interface WillParts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The will of this session is over: published, refused or cancelled. */
  settled(session: MqttSession): void;
}

/** A client with a will whose connection is over. */
interface Pending {
  /** Milliseconds since the Unix epoch. */
  readonly dueAt: number;
  /** `null` when it was the gateway that left: the client has a while to come back. */
  readonly origin: Origin | null;
}

/** A moment at which the store or the gateway cannot take a message: the will waits for another one. */
const LATER = new Set(["store_unavailable", "draining"]);

/** Where a will comes from whose connection was one of an earlier process. */
const RESTORED: Origin = Object.freeze({ transport: "mqtt", sessionId: "restored" });

/**
 * Publishes wills with their clients' permission [MQTT-3.1.2-8]: at once, after their delay (MQTT 5
 * §3.1.3.2.2), or after the restart of a gateway that had no time to. A will that is published and
 * the state without it are one write, so that it is published once.
 */
export class SessionWills {
  readonly #parts: WillParts;
  readonly #pending = new Map<MqttSession, Pending>();
  #isDraining = false;

  constructor(parts: WillParts) {
    this.#parts = parts;
  }

  /** From here on the gateway leaves, not its clients: a will that can wait for the next start does. */
  drain(): void {
    this.#isDraining = true;
  }

  isPending(session: MqttSession): boolean {
    return this.#pending.has(session);
  }

  /** The connection ended without a goodbye, or with the process that had it (no origin). */
  await(session: MqttSession, origin: Origin | null, dueAt: number): void {
    this.#pending.set(session, { dueAt, origin });
    if (!this.#isDraining && dueAt <= this.#parts.clock.now()) this.#publish(session);
  }

  /** The client is back, or has said goodbye: nothing is published. */
  cancel(session: MqttSession): void {
    this.#pending.delete(session);
    if (session.will === null) return;
    session.will = null;
    session.record.changed();
  }

  /** The client begins another session in place of this one. */
  replace(session: MqttSession): void {
    if (this.#pending.get(session)?.origin === null) this.cancel(session);
    else this.publishNow(session);
  }

  /** The session ends, and its will with it: a delay ends with the session [MQTT-3.1.3-9]. */
  publishNow(session: MqttSession): void {
    if (this.#pending.has(session)) this.#publish(session);
  }

  publishDue(): void {
    if (this.#isDraining) return;
    const now = this.#parts.clock.now();
    for (const [session, { dueAt }] of [...this.#pending]) if (dueAt <= now) this.#publish(session);
  }

  clear(): void {
    this.#pending.clear();
  }

  #publish(session: MqttSession): void {
    const pending = this.#pending.get(session);
    const { will } = session;
    if (pending === undefined || will === null || this.#isDraining) return;
    const { bus, clock, logger } = this.#parts;
    const { delaySeconds: _, ...message } = will;
    const draft = { ...message, origin: pending.origin ?? RESTORED, receivedAt: clock.now() };
    session.will = null;
    this.#pending.delete(session);
    try {
      bus.accept(draft, session.identity, this.#receipt(session, pending, will));
    } catch (thrown) {
      const refusal = toGatewayError(thrown);
      if (LATER.has(refusal.code)) {
        session.will = will;
        this.#pending.set(session, pending);
        return;
      }
      logger.debug("mqtt will refused", { code: refusal.code, reason: refusal.message });
    }
    session.record.changed();
    session.record.save();
    this.#parts.settled(session);
  }

  /** A write that fails later takes the will with it: it is tried again, as long as it is known. */
  #receipt(session: MqttSession, pending: Pending, will: MqttSession["will"]): Receipt | null {
    if (!session.record.isStored) return null;
    return {
      accepted: () => undefined,
      refused: () => {
        if (!session.record.isStored || session.link !== null) return;
        session.will = will;
        session.record.changed();
        this.#pending.set(session, pending);
      },
    };
  }
}
