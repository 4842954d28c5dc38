import type { BrokerName } from "../../support/mqtt/brokers.ts";
import { MOSQUITTO_DEVIATIONS } from "./mosquitto.ts";
import type { StatementVersion } from "./statement.ts";

/** What a broker is excused from. */
export interface Skip {
  readonly broker: BrokerName;
  readonly version: StatementVersion;
  /** The title of the test, whole; `null` for all of the version. */
  readonly title: string | null;
  readonly reason: string;
}

/** Every excuse there is. */
export const SKIPS: readonly Skip[] = [
  {
    broker: "aedes",
    version: "5.0",
    title: null,
    reason: "aedes 1.2 ends at MQTT 3.1.1 (aedes/lib/handlers/connect.js)",
  },
  {
    broker: "aedes",
    version: "3.1.1",
    title: "[MQTT-3.8.4-3] nothing of QoS 0 is lost while a subscription is replaced",
    reason: "QoS 0 messages that wait in the replaced subscription's live queue go with it",
  },
  ...MOSQUITTO_DEVIATIONS.flatMap(([version, reason, titles]) =>
    titles.map((title) => ({ broker: "mosquitto" as const, version, title, reason })),
  ),
];

/** Why a test, or with `null` a whole version, is not run; `null` when it is. */
export function skipReason(
  broker: BrokerName,
  version: StatementVersion,
  title: string | null,
): string | null {
  const skip = SKIPS.find(
    (each) => each.broker === broker && each.version === version && each.title === title,
  );
  return skip?.reason ?? null;
}
