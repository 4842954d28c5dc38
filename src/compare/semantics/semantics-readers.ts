import { readStamp } from "../../wire/stamp.ts";
import { DRIVERS } from "../driver/drivers.ts";
import type { Targets } from "../driver/driver.ts";
import type { EgressName } from "../plan.ts";
import type { PlanPoint } from "../plan-points.ts";
import { DeliveryLog } from "./delivery-log.ts";
import { EnduringReader } from "./enduring-reader.ts";
import type { Resumption } from "./semantics-result.ts";

/** By what each egress goes on after it was away. */
const RESUMPTION_OF: Readonly<Record<EgressName, Resumption>> = {
  mqtt: "persistent session",
  "mqtt-ws": "persistent session",
  websocket: "cursor",
  "websocket-binary": "cursor",
  sse: "Last-Event-ID",
  poll: "cursor",
  "plain-poll": "cursor",
  tcp: "cursor",
};

/** One reader of the run, and what it received of each publisher. */
export interface FaultyReader {
  readonly egress: EgressName;
  readonly resumption: Resumption;
  readonly reader: EnduringReader;
  /** By the publisher's index in the plan. */
  readonly logs: readonly DeliveryLog[];
}

export interface ReadersSetup {
  readonly point: PlanPoint;
  readonly targets: Targets;
  readonly run: number;
  readonly filter: string;
  readonly silenceMs: number;
  readonly onDelivery: () => void;
}

/** Two readers on every egress: one that resumes and one that begins anew. Not yet connected. */
export function faultyReaders(setup: ReadersSetup): FaultyReader[] {
  return setup.point.egress.flatMap((egress) => [
    faultyReader(setup, egress, true),
    faultyReader(setup, egress, false),
  ]);
}

function faultyReader(setup: ReadersSetup, egress: EgressName, resumes: boolean): FaultyReader {
  const { point, targets, run, filter, silenceMs, onDelivery } = setup;
  const logs = point.ingress.map(() => new DeliveryLog());
  const clientId = `${resumes ? "resuming" : "forgetful"}-${egress}-${run.toString(36)}`;
  const reader = new EnduringReader({
    open: DRIVERS.readers[egress],
    context: { targets, factors: point, clientId },
    filter,
    resumes,
    silenceMs,
    onPayload: (payload, receivedNs, connection) => {
      const stamp = readStamp(payload);
      if (stamp === null || stamp.run !== run) return;
      logs[stamp.stream]?.add({ sequence: stamp.sequence, receivedNs, connection });
      onDelivery();
    },
  });
  const resumption = resumes ? RESUMPTION_OF[egress] : "none";
  return { egress, resumption, reader, logs };
}
