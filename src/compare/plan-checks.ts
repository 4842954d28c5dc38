import { FACTOR_NAMES } from "./plan-factors.ts";

/** Latencies of one pair and block are held one by one, for pairing: 8 MB at most. */
const MAX_MESSAGES_PER_BLOCK = 1_000_000;

/**
 * Problems between the fields of a plan, each as `path: message`. Takes the document as written, so
 * that they are told together with the problems of single fields; a field of a wrong type is passed
 * over, since its own problem says so.
 */
export function problemsBetweenFields(plan: Readonly<Record<string, unknown>>): string[] {
  return [
    ...secondSweeps(plan),
    ...strangers(plan, "repeatedIngress", "ingress"),
    ...strangers(plan, "repeatedEgress", "egress"),
    ...tooManyMessages(plan),
  ];
}

function secondSweeps(plan: Readonly<Record<string, unknown>>): string[] {
  const swept = FACTOR_NAMES.filter((name) => Array.isArray(plan[name]));
  return swept
    .slice(1)
    .map((name) => `${name}: a second list; only one factor is swept, and ${swept[0]} is`);
}

function strangers(
  plan: Readonly<Record<string, unknown>>,
  repeated: "repeatedIngress" | "repeatedEgress",
  side: "ingress" | "egress",
): string[] {
  const name = plan[repeated];
  const names = plan[side];
  if (typeof name !== "string" || !Array.isArray(names) || names.includes(name)) return [];
  return [`${repeated}: ${name} is not among the plan's ${side}`];
}

function tooManyMessages({ ratePerSecond, windowSeconds }: Readonly<Record<string, unknown>>) {
  const rates = [ratePerSecond].flat().filter((rate) => typeof rate === "number");
  if (rates.length === 0 || typeof windowSeconds !== "number") return [];
  const messages = Math.max(...rates) * windowSeconds;
  if (messages <= MAX_MESSAGES_PER_BLOCK) return [];
  return [
    `windowSeconds: ${messages} messages of a publisher in one block; the limit is ${MAX_MESSAGES_PER_BLOCK}`,
  ];
}
