import type { EgressName, IngressName } from "../plan.ts";
import type { FACTOR_SCHEMAS, Factors } from "../plan-factors.ts";

/** What must hold of delivery. */
export const NEEDS = ["at-most-once", "at-least-once", "exactly-once"] as const;
export type Need = (typeof NEEDS)[number];

/** What is to be least among the transports that do. */
export const PREFERENCES = ["latency", "bytes", "cpu"] as const;
export type Preference = (typeof PREFERENCES)[number];

/** What somebody wants to know; `null` is not asked. */
export interface Question {
  readonly payloadBytes: number | null;
  readonly ratePerSecond: number | null;
  /** Packets lost on the way, 0…1. */
  readonly lossShare: number | null;
  readonly network: Factors["network"] | null;
  readonly fanOut: number | null;
  readonly tls: boolean | null;
  readonly need: Need | null;
  /** The reader, the publisher, or both run in a browser. */
  readonly browser: "none" | "reader" | "publisher" | "both";
  readonly prefer: Preference;
  /** The 99th percentile may not be above it. */
  readonly maxLatencyNs: number | null;
  readonly ingress: IngressName | null;
  readonly egress: EgressName | null;
}

/** A question that asks nothing in particular. */
export const OPEN_QUESTION: Question = {
  payloadBytes: null,
  ratePerSecond: null,
  lossShare: null,
  network: null,
  fanOut: null,
  tls: null,
  need: null,
  browser: "none",
  prefer: "latency",
  maxLatencyNs: null,
  ingress: null,
  egress: null,
};

/** Factors that a question can name a value for. */
export type AskedFactor = Extract<
  keyof typeof FACTOR_SCHEMAS & keyof Question,
  "payloadBytes" | "ratePerSecond" | "network" | "fanOut" | "tls"
>;
