import type { HistogramSnapshot } from "../telemetry/histogram.ts";
import type { Block } from "./block-design.ts";
import type { Ledger } from "./ledger.ts";
import type { EgressName, IngressName, Plan } from "./plan.ts";
import type { Factors } from "./plan-factors.ts";
import type { AdjustedInterval, Interval } from "./statistics/interval.ts";
import type { Knee } from "./statistics/knee.ts";
import type { Verdict } from "./statistics/noise-floor.ts";
import type { Quantiles } from "./statistics/quantiles.ts";
import type { DeliveryCount } from "./statistics/sequence-oracle.ts";
import type { StallMode } from "./statistics/stall-modes.ts";
import type { Stationarity } from "./statistics/stationarity.ts";
import type { BlockCondition } from "./validity.ts";

/** All that a run of a plan found, in a form that survives JSON. Times are nanoseconds. */
export interface ComparisonResult {
  readonly format: "tributary-comparison/1";
  readonly startedAt: string;
  /** Seed included: it and the ledger repeat the run. */
  readonly plan: Plan;
  /** One, or one per value of the swept factor, in its order. */
  readonly points: readonly PointResult[];
  /** For a sweep of the rate, where each pair's latency turns upwards; else empty. */
  readonly knees: readonly PairKnee[];
}

/** What was found with one value of every factor. */
export interface PointResult {
  readonly factors: Factors;
  readonly ledger: Ledger;
  readonly verdict: "valid" | "void";
  readonly voidReasons: readonly string[];
  readonly warmUp: Stationarity | null;
  readonly blocks: readonly BlockResult[];
  /** Over the blocks that stand. */
  readonly pairs: readonly PairResult[];
  /** Each two readers of one ingress, message by message. */
  readonly egressComparisons: readonly Comparison<"ingress", IngressName, EgressName>[];
  /** Each two publishers to one egress, block by block: their messages are not the same ones. */
  readonly ingressComparisons: readonly Comparison<"egress", EgressName, IngressName>[];
  /** What each ingress and each egress costs by itself; empty where it was not measured. */
  readonly legs: readonly LegResult[];
  /** How readers came back whose connection was reset; empty where none was. */
  readonly recoveries: readonly RecoveryResult[];
  /** The clock of the other host; `null` when both ends read one clock. */
  readonly clock: ClockResult | null;
}

/** One block: in which order, under which conditions, and whether it stands. */
export interface BlockResult {
  readonly design: Block;
  readonly condition: BlockCondition;
  readonly voidReasons: readonly string[];
}

/** One ingress with one egress over all blocks that stand. */
export interface PairResult extends DeliveryCount {
  readonly ingress: IngressName;
  readonly egress: EgressName;
  /** From the intended send time. */
  readonly latency: DistributionResult;
  /** From the actual send time; never to be read instead of the latency. */
  readonly service: DistributionResult;
  /** Median latency of each block, by the order of the blocks that stand. */
  readonly blockMedians: readonly number[];
  /** The mean of the block medians with its interval across blocks; `null` of fewer than two. */
  readonly median: Interval | null;
  readonly stallModes: readonly StallMode[];
  /** What a message costs; `null` until it is measured. */
  readonly cost: PairCost | null;
}

/** A distribution merged from all blocks. */
export interface DistributionResult {
  readonly quantiles: Quantiles;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly histogram: HistogramSnapshot;
}

/**
 * What one side of a delivery costs: a publisher's message to the gateway, or its way to one reader.
 * Bytes are those at the client's socket, TLS included and TCP not. `null` is not measured.
 */
export interface LegResult {
  readonly side: "ingress" | "egress";
  readonly name: IngressName | EgressName;
  /** Of each message, by cause; not known under TLS. */
  readonly wireBytes: Readonly<Record<WireCause, number>> | null;
  /** Of each message, from the client. */
  readonly upBytes: number | null;
  /** Of each message, to the client. */
  readonly downBytes: number | null;
  /** Of one connection until it could carry a message, both ways. */
  readonly connectionBytes: number | null;
  readonly gatewayCpuMicroseconds: number | null;
  readonly clientCpuMicroseconds: number | null;
  readonly requestsPerMessage: number | null;
  /** New ones, while messages flowed. */
  readonly connectionsPerMessage: number | null;
  /** Growth of the gateway's resident memory. */
  readonly idleConnectionBytes: number | null;
  readonly idleBytesPerHour: number | null;
  /** Median, from nothing to a retained message. */
  readonly coldToFirstMessageNs: number | null;
}

/** How the readers of one egress came back after resets, over the blocks that stand. */
export interface RecoveryResult {
  readonly egress: EgressName;
  readonly resets: number;
  /** Subscribed again. */
  readonly reopened: number;
  /** Had a message again. */
  readonly recovered: number;
  /** From the reset to the subscription. */
  readonly medianOpenNs: number | null;
  /** From the reset to the next message. */
  readonly medianMessageNs: number | null;
  readonly worstMessageNs: number | null;
}

/** What one delivered message costs on both its legs together, and what standing costs. `null` is not measured. */
export interface PairCost {
  /** Bytes at the socket per delivered message, by cause. */
  readonly wireBytes: Readonly<Record<WireCause, number>> | null;
  readonly gatewayCpuMicroseconds: number | null;
  readonly clientCpuMicroseconds: number | null;
  readonly requestsPerMessage: number | null;
  readonly connectionsPerMessage: number | null;
  readonly idleConnectionBytes: number | null;
  readonly idleBytesPerHour: number | null;
  readonly coldToFirstMessageNs: number | null;
}

export type WireCause =
  | "handshake"
  | "framing"
  | "envelope"
  | "payload"
  | "acknowledgement"
  | "keepAlive";

/** First minus second of what is compared, at a fixed other side. */
export type Comparison<
  FixedSide extends string,
  Fixed extends string,
  Compared extends string,
> = Readonly<Record<FixedSide, Fixed>> & {
  readonly first: Compared;
  readonly second: Compared;
  /** Of the typical message: over block medians of the messages' differences, position adjusted. */
  readonly difference: AdjustedInterval | null;
  /** Of the mean message: the same over block means, which stalls move. */
  readonly meanDifference: AdjustedInterval | null;
  /** The difference as a share of the second's median. */
  readonly share: number | null;
  /** What two of the same differ by here; `null` when none were repeated. */
  readonly noiseFloorNs: number | null;
  readonly verdict: Verdict;
  /**
   * The difference's p-value adjusted for all comparisons of its kind in this point (Holm): what is
   * below 0.05 here would be a false find in at most one of 20 such tables.
   */
  readonly adjustedPValue: number | null;
};

export interface PairKnee {
  readonly ingress: IngressName;
  readonly egress: EgressName;
  readonly knee: Knee;
}

/** The other host's clock, by the exchanges before and after the run. */
export interface ClockResult {
  readonly offsetNs: number;
  readonly errorNs: number;
  readonly driftPpm: number;
}
