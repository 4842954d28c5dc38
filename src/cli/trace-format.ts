import type { TraceStamps } from "../wire/trace.ts";
import type { Incoming } from "./link.ts";

/** Milliseconds a message spent in each stage. */
export interface StageTimes {
  readonly ingress: number;
  readonly bus: number;
  readonly egress: number;
  readonly total: number;
}

/** A message with its stamps, as the reader got it. */
export interface TracedArrival {
  readonly topic: string;
  readonly ingress: string;
  readonly egress: string;
  readonly stamps: TraceStamps;
  /** By the reader's clock: milliseconds since the Unix epoch, fractional. */
  readonly arrivedAt: number;
  readonly ms: StageTimes;
}

/** What the stamps of a message tell; `null` for one that carries none. */
export function describeTrace(
  { topic, ingress, trace }: Incoming,
  egress: string,
  arrivedAt: number,
): TracedArrival | null {
  if (trace === undefined) return null;
  const { receivedAt, acceptedAt, encodedAt } = trace;
  const ms = {
    ingress: acceptedAt - receivedAt,
    bus: encodedAt - acceptedAt,
    egress: arrivedAt - encodedAt,
    total: arrivedAt - receivedAt,
  };
  return { topic, ingress: ingress ?? "?", egress, stamps: trace, arrivedAt, ms };
}

/** One line for people, its end included. */
export function traceLine({ topic, ingress, egress, stamps, ms }: TracedArrival): string {
  const time = new Date(stamps.receivedAt).toISOString().slice(11, 23);
  const stage = (name: string, value: number): string => `${name} ${value.toFixed(3).padStart(8)}`;
  const stages = [
    stage("ingress", ms.ingress),
    stage("bus", ms.bus),
    stage("egress", ms.egress),
    stage("total", ms.total),
  ];
  return `${time}  ${stages.join("  ")} ms  ${ingress} → ${egress}  ${topic}\n`;
}

/** The same for programs; times to the microsecond. */
export function traceRecord({ topic, ingress, egress, stamps, arrivedAt, ms }: TracedArrival) {
  const rounded = Object.fromEntries(
    Object.entries(ms).map(([stage, value]) => [stage, toMicrosecond(value)]),
  );
  return { topic, ingress, egress, ...stamps, arrivedAt: toMicrosecond(arrivedAt), ms: rounded };
}

function toMicrosecond(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
