import { z } from "zod";
import type { ComparisonResult } from "./comparison-result.ts";
import { LEDGER_FACTORS } from "./ledger.ts";
import { EGRESS_NAMES, INGRESS_NAMES, planSchema } from "./plan.ts";
import { FACTOR_SCHEMAS } from "./plan-factors.ts";

// Objects are not strict: a later version may say more, and this one still reads what it knows.

const count = z.int().min(0);
const ingress = z.enum(INGRESS_NAMES);
const egress = z.enum(EGRESS_NAMES);

const intervalSchema = z.object({
  estimate: z.number(),
  low: z.number(),
  high: z.number(),
  standardError: z.number(),
  degreesOfFreedom: z.number(),
  pValue: z.number(),
});

const adjustedSchema = intervalSchema.extend({ perPosition: z.number().nullable() });

const histogramSchema = z.object({
  count,
  sum: z.number(),
  min: z.number(),
  max: z.number(),
  buckets: z.array(z.tuple([z.int(), count])),
});

const distributionSchema = z.object({
  quantiles: z.object({
    p50: z.number().nullable(),
    p90: z.number().nullable(),
    p95: z.number().nullable(),
    p99: z.number().nullable(),
    "p99.9": z.number().nullable(),
  }),
  mean: z.number(),
  min: z.number(),
  max: z.number(),
  histogram: histogramSchema,
});

const figure = z.number().nullable();

const wireBytesSchema = z.object({
  handshake: z.number(),
  framing: z.number(),
  envelope: z.number(),
  payload: z.number(),
  acknowledgement: z.number(),
  keepAlive: z.number(),
});

const costSchema = z.object({
  wireBytes: wireBytesSchema.nullable(),
  gatewayCpuMicroseconds: figure,
  clientCpuMicroseconds: figure,
  requestsPerMessage: figure,
  connectionsPerMessage: figure,
  idleConnectionBytes: figure,
  idleBytesPerHour: figure,
  coldToFirstMessageNs: figure,
});

const legSchema = costSchema.extend({
  side: z.enum(["ingress", "egress"]),
  name: z.union([ingress, egress]),
  upBytes: figure,
  downBytes: figure,
  connectionBytes: figure,
});

const recoverySchema = z.object({
  egress,
  resets: count,
  reopened: count,
  recovered: count,
  medianOpenNs: figure,
  medianMessageNs: figure,
  worstMessageNs: figure,
});

const pairSchema = z.object({
  ingress,
  egress,
  expected: count,
  received: count,
  lost: count,
  duplicates: count,
  reordered: count,
  latency: distributionSchema,
  service: distributionSchema,
  blockMedians: z.array(z.number()),
  median: intervalSchema.nullable(),
  stallModes: z.array(
    z.object({
      atMs: z.union([z.literal(40), z.literal(200)]),
      meaning: z.string(),
      count,
      share: z.number(),
    }),
  ),
  cost: costSchema.nullable(),
});

const comparisonFields = {
  difference: adjustedSchema.nullable(),
  meanDifference: adjustedSchema.nullable(),
  share: z.number().nullable(),
  noiseFloorNs: z.number().nullable(),
  verdict: z.enum(["lower", "higher", "no measurable difference"]),
  adjustedPValue: z.number().nullable(),
};

const slot = { role: z.enum(["measured", "twin", "crowd"]), position: count };

const blockSchema = z.object({
  design: z.object({
    index: count,
    publishers: z.array(z.object({ name: ingress, ...slot })),
    readers: z.array(z.object({ name: egress, ...slot })),
  }),
  condition: z.object({
    sendDelayP99Ns: z.number(),
    loopDelayP99Ns: z.number(),
    publishFailures: count,
    firstFailure: z.string().nullable(),
    lateSends: count,
    gatewayLoopDelayP99Ns: z.number().nullable(),
  }),
  voidReasons: z.array(z.string()),
});

const pointSchema = z.object({
  factors: z.object(FACTOR_SCHEMAS),
  ledger: z.array(
    z.object({
      factor: z.enum(LEDGER_FACTORS),
      value: z.union([z.string(), z.number(), z.boolean(), z.null()]),
    }),
  ),
  verdict: z.enum(["valid", "void"]),
  voidReasons: z.array(z.string()),
  warmUp: z
    .object({
      truncateBefore: count,
      trend: z.number(),
      trendPValue: z.number(),
      isStationary: z.boolean(),
    })
    .nullable(),
  blocks: z.array(blockSchema),
  pairs: z.array(pairSchema),
  egressComparisons: z.array(
    z.object({ ingress, first: egress, second: egress, ...comparisonFields }),
  ),
  ingressComparisons: z.array(
    z.object({ egress, first: ingress, second: ingress, ...comparisonFields }),
  ),
  legs: z.array(legSchema),
  recoveries: z.array(recoverySchema),
  clock: z.object({ offsetNs: z.number(), errorNs: z.number(), driftPpm: z.number() }).nullable(),
});

const kneeSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("knee"), ratePerSecond: z.number() }),
  z.object({ kind: z.literal("not reached"), upToRatePerSecond: z.number() }),
  z.object({ kind: z.literal("below the sweep"), fromRatePerSecond: z.number() }),
]);

/** The form of a {@link ComparisonResult} in a file. */
export const comparisonSchema = z.object({
  format: z.literal("tributary-comparison/1"),
  startedAt: z.string(),
  plan: planSchema,
  points: z.array(pointSchema),
  knees: z.array(z.object({ ingress, egress, knee: kneeSchema })),
});

/** A file that is no result; `problems` name the path. */
export class ComparisonFormatError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`not a result of a comparison: ${problems.join("; ")}`);
    this.name = "ComparisonFormatError";
    this.problems = problems;
  }
}

/** Reads what was a result before it was JSON; throws {@link ComparisonFormatError}. */
export function parseComparison(value: unknown): ComparisonResult {
  const result = comparisonSchema.safeParse(value);
  if (result.success) return result.data;
  throw new ComparisonFormatError(
    result.error.issues.map(({ path, message }) => `${path.join(".") || "result"}: ${message}`),
  );
}
