import { GatewayError } from "../../../errors.ts";
import { RateLimit } from "../../../security/rate-limit.ts";
import { PacketError } from "./codec/packet-error.ts";
import { REASON } from "./codec/reason-codes.ts";

/** How much one connection may publish: messages a second, and messages without their answer. */
export class PublishQuota {
  readonly #rate: RateLimit;
  readonly #receiveMaximum: number;
  /** Messages of QoS 2 that came by this connection and await their PUBREL. */
  #unreleased = 0;

  /**
   * @param perSecond 0 for no limit.
   * @param receiveMaximum what CONNACK announced; `Infinity` before MQTT 5.
   */
  constructor(perSecond: number, receiveMaximum: number) {
    this.#rate = new RateLimit(perSecond);
    this.#receiveMaximum = receiveMaximum;
  }

  /** One more message has come, at `receivedAt`. Throws `rate_limited`. */
  take(receivedAt: number): void {
    if (this.#rate.take(receivedAt)) return;
    throw new GatewayError("rate_limited", "the session publishes faster than its limit");
  }

  /**
   * One more message of QoS 1 or 2 has come, and so many are not acknowledged. Throws a
   * {@link PacketError} when that is more than the client was allowed.
   */
  checkOpen(unacknowledged: number): void {
    if (unacknowledged + this.#unreleased < this.#receiveMaximum) return;
    throw new PacketError(
      REASON.receiveMaximumExceeded,
      `${this.#receiveMaximum} messages of QoS 1 and 2 are unacknowledged, which is the maximum [MQTT-3.3.4-7]`,
    );
  }

  /** A message of QoS 2 awaits its PUBREL from here on. */
  awaitsRelease(): void {
    this.#unreleased += 1;
  }

  /** PUBREL has come for one, or its message was not accepted; it may be of an earlier connection. */
  released(): void {
    if (this.#unreleased > 0) this.#unreleased -= 1;
  }
}
