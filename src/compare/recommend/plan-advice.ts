import { loadPlan, type Plan, SHIPPED_PLANS } from "../plan.ts";
import type { Factors } from "../plan-factors.ts";
import { planPoints } from "../plan-points.ts";
import { type Criterion, factorCriteria } from "./coverage.ts";
import type { Question } from "./question.ts";

/** Plans by what only they can tell; other criteria are asked of the factors of every plan. */
const ONLY: Readonly<Record<string, string>> = {
  latency: "headline",
  "max-latency": "headline",
  "prefer bytes": "headline",
  "prefer cpu": "headline",
  need: "reconnect",
};

/** The plans that are shipped, but for the one that only shows that all of it works. */
export function advisablePlans(): Promise<Plan[]> {
  const names = SHIPPED_PLANS.filter((name) => name !== "smoke");
  return Promise.all(names.map((name) => loadPlan(name)));
}

/**
 * Each uncovered criterion with a plan that would cover it. An answer rests on one point, so the
 * plan with a point that covers most of the question at once comes before those of single criteria.
 */
export function withPlans(
  question: Question,
  criteria: readonly Criterion[],
  plans: readonly Plan[],
): Criterion[] {
  const offers = plans
    .filter(({ experiment }) => experiment.kind === "delivery")
    .flatMap((plan) =>
      planPoints(plan).map((point) => ({ plan: plan.name, names: coveredNames(question, point) })),
    );
  const widest = offers.toSorted((one, other) => other.names.length - one.names.length);
  return criteria.map((criterion) => {
    if (criterion.isCovered) return criterion;
    const offer = widest.find(({ names }) => names.includes(criterion.name));
    return { ...criterion, plan: ONLY[criterion.name] ?? offer?.plan ?? null };
  });
}

function coveredNames(question: Question, factors: Factors): string[] {
  return factorCriteria(question, factors).flatMap(({ name, isCovered }) =>
    isCovered ? name : [],
  );
}
