import { countBetween, type WireCount } from "../../src/compare/cost/wire-tally.ts";
import { Tap } from "../../src/compare/cost/tap.ts";
import type {
  DriverFactors,
  OpenPublisher,
  OpenReader,
  Targets,
} from "../../src/compare/driver/driver.ts";
import { DRIVERS } from "../../src/compare/driver/drivers.ts";
import type { EgressName, IngressName } from "../../src/compare/plan.ts";
import { DEFAULT_FACTORS } from "../../src/compare/plan-factors.ts";
import { readingsPayload } from "../../src/compare/payload.ts";
import { monotonicNs } from "../../src/compare/pacer.ts";
import { writeStamp } from "../../src/wire/stamp.ts";
import type { RunningGateway } from "./gateway.ts";

/** 20 bytes, as the topics of a run. */
export const TWENTY_BYTES = "compare/0000001/0000";

/** Addresses of a gateway that runs in the test's own process. */
export function targetsOf({ urls }: RunningGateway): Targets {
  const websocket = urls.http.replace(/^http/, "ws");
  return {
    httpUrl: urls.http,
    websocketUrl: `${websocket}/ws`,
    mqttWebsocketUrl: `${websocket}/mqtt`,
    mqttUrl: urls.mqtt,
    tcpUrl: `tcp://${urls.tcp.host}:${urls.tcp.port}`,
    tls: {},
  };
}

export interface ExchangeOptions {
  readonly ingress: IngressName;
  readonly egress: EgressName;
  readonly payloadBytes: number;
  readonly messages: number;
  readonly factors?: Partial<DriverFactors>;
  /** In place of the driver. */
  readonly openPublisher?: OpenPublisher;
  readonly openReader?: OpenReader;
  /** Called when both clients have closed and the taps still stand, with all that they saw. */
  readonly onClosed?: (whole: () => readonly WireCount[]) => Promise<void>;
}

/** What passed between the opening of all connections and the last message. */
export interface TappedExchange {
  readonly ingress: WireCount;
  readonly egress: WireCount;
}

/** Publishes messages one by one, each once the one before has arrived and is acknowledged. */
export async function exchangeThroughTaps(
  targets: Targets,
  options: ExchangeOptions,
): Promise<TappedExchange> {
  const { ingress, egress, payloadBytes, messages } = options;
  const inward = await Tap.open(ingress, targets);
  const outward = await Tap.open(egress, targets);
  const factors = { ...DEFAULT_FACTORS, plainPollIntervalMs: 5, ...options.factors };
  const contextAt = (tap: Tap, clientId: string) => ({
    targets: tap.targets,
    factors,
    clientId,
    onFailure: (cause: Error) => arrivals.reject(cause),
  });
  const arrivals = new Arrivals();
  const openReader = options.openReader ?? DRIVERS.readers[egress];
  const openPublisher = options.openPublisher ?? DRIVERS.publishers[ingress];
  const reader = await openReader(
    contextAt(outward, "reader"),
    { filter: TWENTY_BYTES, start: { from: "now", wantsRetained: false } },
    () => arrivals.arrive(),
  );
  const publisher = await openPublisher(contextAt(inward, "publisher"));
  const before = { ingress: inward.tally.count(), egress: outward.tally.count() };
  try {
    for (let message = 0; message < messages; message += 1) {
      const arrived = arrivals.next();
      const payload = readingsPayload(payloadBytes, 1);
      const now = monotonicNs();
      writeStamp(payload, { run: 1, stream: 0, sequence: message, intendedNs: now, sentNs: now });
      await publisher.publish({ topic: TWENTY_BYTES, payload });
      await arrived;
    }
    const after = await settled(inward, outward);
    return {
      ingress: countBetween(before.ingress, after.ingress),
      egress: countBetween(before.egress, after.egress),
    };
  } finally {
    await Promise.allSettled([reader.close(), publisher.close()]);
    await options.onClosed?.(() => [inward.tally.count(), outward.tally.count()]);
    await Promise.all([inward.close(), outward.close()]);
  }
}

/** Counts once nothing has passed for a while: acknowledgements of readers come behind messages. */
async function settled(inward: Tap, outward: Tap) {
  const read = () => ({ ingress: inward.tally.count(), egress: outward.tally.count() });
  for (let before = read(); ; ) {
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const after = read();
    const isAcknowledged = after.egress.up === before.egress.up;
    if (isAcknowledged || after.egress.bytes.keepAlive > before.egress.bytes.keepAlive) {
      return after;
    }
    before = after;
  }
}

class Arrivals {
  #resolve: () => void = () => undefined;
  #reject: (cause: Error) => void = () => undefined;

  next(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  arrive(): void {
    this.#resolve();
  }

  reject(cause: Error): void {
    this.#reject(cause);
  }
}
