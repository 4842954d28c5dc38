import type { LegResult, PairCost } from "../comparison-result.ts";
import type { EgressName, IngressName } from "../plan.ts";
import { median } from "../statistics/summary.ts";
import { WIRE_CAUSES } from "./charge.ts";
import { type CauseBytes, NO_BYTES, type WireCount } from "./wire-tally.ts";

/** What passed one connection while messages flowed. */
export interface WireFinding {
  readonly count: WireCount;
  /** What passed before, until the connection could carry a message. */
  readonly openingBytes: number;
  readonly messages: number;
  readonly knowsCauses: boolean;
  /** Of a reader: whether the messages were published at QoS 0. */
  readonly isQos0: boolean;
}

/** What one transport was seen to cost on one side. */
interface Leg {
  readonly side: LegResult["side"];
  readonly name: IngressName | EgressName;
  readonly wire: WireFinding[];
  readonly gatewayCpu: number[];
  readonly clientCpu: number[];
  readonly coldNs: number[];
  readonly residentBytes: number[];
  readonly idleBytesPerHour: number[];
}

/** Whether this ingress publishes at QoS 0; what has no QoS of its own is acknowledged as at 1. */
export function isPublishedAtQos0(ingress: IngressName, qos: 0 | 1 | 2): boolean {
  return ingress === "mqtt-qos0" || (ingress === "mqtt-ws" && qos === 0);
}

/** Gathers what messages and connections cost, for each ingress and each egress by itself. */
export class CostTable {
  readonly #legs = new Map<string, Leg>();

  readonly #qos: 0 | 1 | 2;

  /** @param qos the point's, of ingresses whose name says none. */
  constructor(qos: 0 | 1 | 2) {
    this.#qos = qos;
  }

  addWire(side: LegResult["side"], name: IngressName | EgressName, wire: WireFinding): void {
    this.#leg(side, name).wire.push(wire);
  }

  /** Microseconds a message; `null` is not known. */
  addCpu(
    side: LegResult["side"],
    name: IngressName | EgressName,
    gateway: number | null,
    client: number,
  ): void {
    const leg = this.#leg(side, name);
    if (gateway !== null) leg.gatewayCpu.push(gateway);
    leg.clientCpu.push(client);
  }

  addColdStarts(egress: EgressName, messageNs: readonly number[]): void {
    this.#leg("egress", egress).coldNs.push(...messageNs);
  }

  /** Of one idle connection; `null` is not known. */
  addStanding(egress: EgressName, residentBytes: number | null, perHour: number | null): void {
    const leg = this.#leg("egress", egress);
    if (residentBytes !== null) leg.residentBytes.push(residentBytes);
    if (perHour !== null) leg.idleBytesPerHour.push(perHour);
  }

  legs(): LegResult[] {
    return [...this.#legs.values()].map((leg) => legResult(leg, false));
  }

  /** Of a message that comes in by one leg and leaves by another; `null` when nothing is known. */
  pair(ingress: IngressName, egress: EgressName): PairCost | null {
    const inward = this.#legs.get(`ingress ${ingress}`);
    const outward = this.#legs.get(`egress ${egress}`);
    if (outward === undefined) return null;
    const isQos0 = isPublishedAtQos0(ingress, this.#qos);
    const from = inward === undefined ? null : legResult(inward, false);
    const to = legResult(outward, isQos0);
    const sum = (pick: (leg: LegResult) => number | null): number | null => {
      const one = from === null ? null : pick(from);
      const other = pick(to);
      return one === null || other === null ? null : one + other;
    };
    return {
      wireBytes:
        from?.wireBytes == null || to.wireBytes === null
          ? null
          : addBytes(from.wireBytes, to.wireBytes),
      gatewayCpuMicroseconds: sum((leg) => leg.gatewayCpuMicroseconds),
      clientCpuMicroseconds: sum((leg) => leg.clientCpuMicroseconds),
      requestsPerMessage: sum((leg) => leg.requestsPerMessage),
      connectionsPerMessage: sum((leg) => leg.connectionsPerMessage),
      idleConnectionBytes: to.idleConnectionBytes,
      idleBytesPerHour: to.idleBytesPerHour,
      coldToFirstMessageNs: to.coldToFirstMessageNs,
    };
  }

  #leg(side: LegResult["side"], name: IngressName | EgressName): Leg {
    const key = `${side} ${name}`;
    let leg = this.#legs.get(key);
    if (leg === undefined) {
      leg = {
        side,
        name,
        wire: [],
        gatewayCpu: [],
        clientCpu: [],
        coldNs: [],
        residentBytes: [],
        idleBytesPerHour: [],
      };
      this.#legs.set(key, leg);
    }
    return leg;
  }
}

/** Of messages published at QoS 0 or not, where a reader saw both. */
function legResult(leg: Leg, isQos0: boolean): LegResult {
  const { side, name } = leg;
  const wire = leg.wire.find((each) => each.isQos0 === isQos0) ?? leg.wire[0] ?? null;
  const each = (value: number): number | null => (wire === null ? null : value / wire.messages);
  const knowsCauses = wire?.knowsCauses === true;
  return {
    side,
    name,
    wireBytes: wire === null || !knowsCauses ? null : perMessage(wire.count.bytes, wire.messages),
    upBytes: each(wire?.count.up ?? 0),
    downBytes: each(wire?.count.down ?? 0),
    connectionBytes: wire?.openingBytes ?? null,
    gatewayCpuMicroseconds: middle(leg.gatewayCpu),
    clientCpuMicroseconds: middle(leg.clientCpu),
    // Requests are seen only where the bytes can be read.
    requestsPerMessage: knowsCauses ? each(wire?.count.requests ?? 0) : null,
    connectionsPerMessage: each(wire?.count.connections ?? 0),
    idleConnectionBytes: middle(leg.residentBytes),
    idleBytesPerHour: middle(leg.idleBytesPerHour),
    coldToFirstMessageNs: middle(leg.coldNs),
  };
}

function middle(values: readonly number[]): number | null {
  return values.length === 0 ? null : median(values);
}

function perMessage(bytes: CauseBytes, messages: number): CauseBytes {
  const each = { ...NO_BYTES };
  for (const cause of WIRE_CAUSES) each[cause] = bytes[cause] / messages;
  return each;
}

function addBytes(one: CauseBytes, other: CauseBytes): CauseBytes {
  const sum = { ...NO_BYTES };
  for (const cause of WIRE_CAUSES) sum[cause] = one[cause] + other[cause];
  return sum;
}
