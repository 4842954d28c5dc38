import { z } from "zod";
import { EGRESS_NAMES, INGRESS_NAMES } from "../plan.ts";

export const FAULTS = ["reset", "half-open", "gateway-kill"] as const;

/** What is broken: readers' connections, aloud or in silence, or the gateway itself. */
export type Fault = (typeof FAULTS)[number];

/** By what a reader goes on after it was away; `none` begins anew with what comes then. */
export const RESUMPTIONS = ["none", "cursor", "Last-Event-ID", "persistent session"] as const;

export type Resumption = (typeof RESUMPTIONS)[number];

const count = z.int().min(0);

/** One ingress with one reader on one egress, over all faults. */
const pairSchema = z.object({
  ingress: z.enum(INGRESS_NAMES),
  egress: z.enum(EGRESS_NAMES),
  resumption: z.enum(RESUMPTIONS),
  /** Acknowledged to the publisher: what had to arrive. */
  expected: count,
  received: count,
  lost: count,
  /** Of the lost, those published while the reader was away: after the last it had, until its return. */
  lostWhileAway: count,
  duplicates: count,
  reordered: count,
  /** Published while the reader was away, and in its hands after all. */
  recovered: count,
  /** Nanoseconds from each fault to the first delivery of what was published after it, in order. */
  recoveryNs: z.array(z.number()),
  /** Faults after which nothing new came any more while the run waited. */
  neverBack: count,
});

const publisherSchema = z.object({
  ingress: z.enum(INGRESS_NAMES),
  acknowledged: count,
  /** Sends of what had been sent before and was not acknowledged: at-least-once at work. */
  repeated: count,
  /** Sent and never acknowledged; not counted as lost, whether they arrived or not. */
  unacknowledged: count,
});

/** The form of a {@link SemanticsResult} in a file. */
export const semanticsSchema = z.object({
  fault: z.enum(FAULTS),
  faults: count,
  /** How long a reader hears nothing, though there is something, before it gives a connection up. */
  silenceMs: z.number(),
  seed: count,
  publishers: z.array(publisherSchema),
  pairs: z.array(pairSchema),
  /** Delay of the event loop that published and read, 99th percentile. */
  loopDelayP99Ns: z.number(),
  /** Why the numbers mean nothing; empty when they do. */
  voidReasons: z.array(z.string()),
});

/** What became of messages while connections broke or the gateway died. */
export type SemanticsResult = z.infer<typeof semanticsSchema>;

export type SemanticsPair = z.infer<typeof pairSchema>;

export type SemanticsPublisher = z.infer<typeof publisherSchema>;
