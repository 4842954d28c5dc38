import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { problemsBetweenFields } from "./plan-checks.ts";
import { FACTOR_FIELDS } from "./plan-factors.ts";

/** Ways to publish that a plan can name; `mqtt-qos0` and `mqtt-qos1` differ in what is acknowledged. */
export const INGRESS_NAMES = [
  "mqtt-qos0",
  "mqtt-qos1",
  "mqtt-ws",
  "websocket",
  "websocket-binary",
  "http",
  "tcp",
] as const;

/** Ways to receive; `poll` holds the request, `plain-poll` asks at an interval and never waits. */
export const EGRESS_NAMES = [
  "mqtt",
  "mqtt-ws",
  "websocket",
  "websocket-binary",
  "sse",
  "poll",
  "plain-poll",
  "tcp",
] as const;

export type IngressName = (typeof INGRESS_NAMES)[number];
export type EgressName = (typeof EGRESS_NAMES)[number];

/** Plans in config/plans, by name. */
export const SHIPPED_PLANS = [
  "smoke",
  "headline",
  "payload-sweep",
  "rate-sweep",
  "fan-out",
  "connect-cost",
  "idle-cost",
  "reconnect",
  "slow-reader",
  "lossy-network",
  "tls",
] as const;

/**
 * Fewer blocks than this give intervals so wide, and a noise floor so uncertain, that a comparison
 * is void: with 12 the 97.5 % quantile of Student's t is within 12 % of the normal one.
 */
export const MIN_BLOCKS = 12;

const distinct = (names: readonly string[]): boolean => new Set(names).size === names.length;

/** What is done in each block, beside publishing at the plan's rate. */
const experimentSchema = z.discriminatedUnion("kind", [
  /** Messages are published and their deliveries timed. */
  z.strictObject({ kind: z.literal("delivery") }),
  /** Connections are opened one after the other, each until its first message. */
  z.strictObject({ kind: z.literal("connect"), connects: z.int().min(1).max(10_000) }),
  /** Connections stand with nothing to deliver: memory and bytes are what counts. */
  z.strictObject({ kind: z.literal("idle"), connections: z.int().min(1).max(100_000) }),
  /** Readers lose their connection, or the gateway, and come back. */
  z.strictObject({
    kind: z.literal("reconnect"),
    fault: z.enum(["reset", "half-open", "gateway-kill"]),
    faultsPerBlock: z.int().min(1).max(1_000),
  }),
  /** One more reader of `egress` stops reading for a while; the others are measured. */
  z.strictObject({
    kind: z.literal("slow-reader"),
    egress: z.enum(EGRESS_NAMES),
    pauseSeconds: z.number().positive().max(600),
  }),
]);

/** The fields of a plan; what must hold between them is asked by {@link parsePlan}. */
export const planSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]{1,40}$/),
  meaning: z.string().max(1_000).default(""),
  experiment: experimentSchema.default({ kind: "delivery" }),
  ingress: z.array(z.enum(INGRESS_NAMES)).min(1).refine(distinct, "names one ingress twice"),
  egress: z.array(z.enum(EGRESS_NAMES)).min(1).refine(distinct, "names one egress twice"),
  ...FACTOR_FIELDS,
  /** The egress read twice, whose difference from itself is the noise floor; else the first. */
  repeatedEgress: z.enum(EGRESS_NAMES).optional(),
  /** As `repeatedEgress`, for comparisons of one ingress with another. */
  repeatedIngress: z.enum(INGRESS_NAMES).optional(),
  /** Repetitions, each with the order of everything redrawn. */
  blocks: z.int().min(1).max(1_000).default(MIN_BLOCKS),
  /** All that is random follows from it. */
  seed: z.int().min(0).max(0xffff_ffff).default(1),
  /** Of sending before the first block; a stationarity test says whether they were enough. */
  warmUpSeconds: z.number().min(0).max(600),
  /** Of one block, the part that counts. */
  windowSeconds: z.number().positive().max(86_400),
  /** How long after a block's last message a reader has before what is missing is lost. */
  settleSeconds: z.number().positive().max(600),
  /**
   * Of sending for each figure of cost, after the blocks: bytes by cause, and processor time of each
   * ingress and egress alone. 0 leaves costs out.
   */
  costSeconds: z.number().min(0).max(600).default(1),
  validity: z.strictObject({
    /** Actual behind intended send time, 99th percentile. */
    maxSendDelayMs: z.number().positive(),
    /** Delay of the load process's event loop, 99th percentile. */
    maxLoopDelayMs: z.number().positive(),
    /** Delay of the gateway's event loop, 99th percentile, where it can be asked. */
    maxGatewayLoopDelayMs: z.number().positive().default(50),
  }),
});

/** What a run does: who sends how fast for how long, who reads, and when its numbers are void. */
export type Plan = Readonly<z.infer<typeof planSchema>>;

/** A plan that cannot be run; `problems` name the path and the bound. */
export class PlanError extends Error {
  readonly problems: readonly string[];

  constructor(source: string, problems: readonly string[], cause?: unknown) {
    super(`plan ${source} cannot be run: ${problems.join("; ")}`, { cause });
    this.name = "PlanError";
    this.problems = problems;
  }
}

/** Values that replace a plan's own, by field: what flags of the command line say. */
export type PlanOverrides = Readonly<Record<string, unknown>>;

/** Parses YAML text into a plan; throws {@link PlanError} with every problem at once. */
export function parsePlan(text: string, source: string, overrides: PlanOverrides = {}): Plan {
  let document: unknown;
  try {
    document = parse(text);
  } catch (cause) {
    throw new PlanError(source, [cause instanceof Error ? cause.message : String(cause)], cause);
  }
  const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  const fields = isFields(document) ? { ...document, ...overrides } : null;
  const result = planSchema.safeParse(fields ?? document);
  const between = fields === null ? [] : problemsBetweenFields(fields);
  if (result.success && between.length === 0) return result.data;
  const issues = result.success ? [] : result.error.issues;
  throw new PlanError(source, [
    ...issues
      .flatMap(plainIssues)
      .map(({ path, message }) => `${path.join(".") || "plan"}: ${message}`),
    ...between,
  ]);
}

interface PlainIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * A factor is one value or a list, and its problem is that of whichever was written: the last
 * choice, the list, unless that one asks for a list where there is none.
 */
function plainIssues(issue: z.core.$ZodIssue): PlainIssue[] {
  if (issue.code !== "invalid_union") return [issue];
  const asksForList = (one: z.core.$ZodIssue): boolean =>
    one.code === "invalid_type" && one.expected === "array" && one.path.length === 0;
  const [value, list] = issue.errors;
  const chosen = list === undefined || list.some(asksForList) ? value : list;
  return (chosen ?? []).map(({ path, message }) => ({ path: [...issue.path, ...path], message }));
}

/** Reads a plan by the name of a shipped one (`smoke`) or by the path of a YAML file. */
export async function loadPlan(nameOrFile: string, overrides: PlanOverrides = {}): Promise<Plan> {
  const isName = /^[a-z0-9-]+$/.test(nameOrFile);
  const file = isName
    ? new URL(`../../config/plans/${nameOrFile}.yaml`, import.meta.url)
    : nameOrFile;
  try {
    return parsePlan(await readFile(file, "utf8"), nameOrFile, overrides);
  } catch (cause) {
    if (cause instanceof PlanError) throw cause;
    const hint = isName ? "no shipped plan has this name" : "the file cannot be read";
    throw new PlanError(nameOrFile, [hint], cause);
  }
}
