import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";

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

const distinct = (names: readonly string[]): boolean => new Set(names).size === names.length;

const planSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]{1,40}$/),
  meaning: z.string().default(""),
  ingress: z.array(z.enum(INGRESS_NAMES)).min(1).refine(distinct, "names one ingress twice"),
  egress: z.array(z.enum(EGRESS_NAMES)).min(1).refine(distinct, "names one egress twice"),
  /** Messages a second of each publisher. */
  ratePerSecond: z.number().positive().max(10_000),
  payloadBytes: z.int().min(64).max(1_048_576),
  warmUpSeconds: z.number().min(0).max(600),
  windowSeconds: z.number().positive().max(86_400),
  settleSeconds: z.number().positive().max(600),
  plainPollIntervalMs: z.int().min(1).max(60_000),
  validity: z.strictObject({
    maxSendDelayMs: z.number().positive(),
    maxLoopDelayMs: z.number().positive(),
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

/** Parses YAML text into a plan; throws {@link PlanError} with every problem at once. */
export function parsePlan(text: string, source: string): Plan {
  let document: unknown;
  try {
    document = parse(text);
  } catch (cause) {
    throw new PlanError(source, [cause instanceof Error ? cause.message : String(cause)], cause);
  }
  const result = planSchema.safeParse(document);
  if (result.success) return result.data;
  throw new PlanError(
    source,
    result.error.issues.map((issue) => `${issue.path.join(".") || "plan"}: ${issue.message}`),
  );
}

/** Reads a plan by the name of a shipped one (`smoke`) or by the path of a YAML file. */
export async function loadPlan(nameOrFile: string): Promise<Plan> {
  const isName = /^[a-z0-9-]+$/.test(nameOrFile);
  const file = isName
    ? new URL(`../../config/plans/${nameOrFile}.yaml`, import.meta.url)
    : nameOrFile;
  try {
    return parsePlan(await readFile(file, "utf8"), nameOrFile);
  } catch (cause) {
    if (cause instanceof PlanError) throw cause;
    const hint = isName ? "no shipped plan has this name" : "the file cannot be read";
    throw new PlanError(nameOrFile, [hint], cause);
  }
}
