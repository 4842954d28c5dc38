import type { PairResult } from "../comparison-result.ts";
import { totalOf } from "../report/costed.ts";
import type { Criterion } from "./coverage.ts";
import type { Question } from "./question.ts";
import type { Recommendation } from "./recommend.ts";
import { EGRESS_SEMANTICS, INGRESS_SEMANTICS } from "./semantics.ts";

/** The recommendation for a program, without the histograms that it rests on. Times are nanoseconds. */
export function recommendationJson(question: Question, found: Recommendation): object {
  const common = {
    kind: found.kind,
    question,
    criteria: found.criteria,
    plansToRun: plansToRun(found.criteria),
  };
  if (found.kind === "unknown") return common;
  const { source, result, point } = found.evidence;
  const evidence = {
    source,
    plan: result.plan.name,
    startedAt: result.startedAt,
    factors: point.factors,
  };
  if (found.kind === "none fits") return { ...common, evidence };
  const { choice, readers, publishers } = found;
  return {
    ...common,
    evidence,
    choice: {
      ingress: choice.ingress,
      egress: choice.egress,
      ...figures(choice),
      delivery: {
        publish: INGRESS_SEMANTICS[choice.ingress],
        read: EGRESS_SEMANTICS[choice.egress],
      },
    },
    readers,
    publishers,
  };
}

function figures({ median, latency, cost }: PairResult): object {
  const bytes = cost?.wireBytes ?? null;
  return {
    median,
    quantiles: latency.quantiles,
    wireBytes: bytes === null ? null : totalOf(bytes),
    gatewayCpuMicroseconds: cost?.gatewayCpuMicroseconds ?? null,
  };
}

function plansToRun(criteria: readonly Criterion[]): string[] {
  return [...new Set(criteria.flatMap(({ isCovered, plan }) => (isCovered ? [] : (plan ?? []))))];
}
