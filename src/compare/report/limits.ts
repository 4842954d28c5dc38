import type { ComparisonResult, PointResult } from "../comparison-result.ts";
import type { LedgerFactor } from "../ledger.ts";
import { CONFIDENCE } from "../statistics/interval.ts";
import { samplesFor } from "../statistics/quantiles.ts";
import { rounded } from "./figures.ts";
import { unmeasuredCosts } from "./costed.ts";
import { list } from "./verdict-sentence.ts";

/** What the result does not say, from what it holds: each a sentence. */
export function limitsOf(result: ComparisonResult): string[] {
  const [first] = result.points;
  if (first === undefined) return ["The run has no point."];
  const missing = unmeasuredCosts(result);
  return [
    `Intervals cover the truth in ${CONFIDENCE * 100} of 100 runs on this machine, in this state. They say nothing of another machine, gateway version or load.`,
    "A run is one start of the gateway. Compiled code settles in one of several states for the life of a process; a difference of a few per cent wants a second run.",
    ...placeLimits(first),
    ...sampleLimits(result.points),
    ...blockLimits(result.points),
    ...(missing.length === 0 ? [] : [`Not measured in this run: ${list(missing)}.`]),
  ];
}

function placeLimits(point: PointResult): string[] {
  const told: string[] = [];
  if (point.factors.network === "loopback") {
    told.push(
      "All ends were on one host: no cable, no radio, no loss. The difference between transports that a network makes is not in it; the plan lossy-network is for that.",
    );
  } else {
    told.push(
      `The network ${point.factors.network} was made by a proxy above TCP: what it loses shows as delay, never as missing bytes, and there is no congestion control in it.`,
    );
  }
  if (factValue(point, "publisherAndReaderShareProcess") === true) {
    told.push(
      "Publishers and readers shared a process, as the machine has too few cores: each may have waited for the other, which all transports did alike.",
    );
  }
  if (factValue(point, "oneClock") === false) {
    told.push("The ends read two clocks; latency holds the error of the estimate between them.");
  }
  return told;
}

function sampleLimits(points: readonly PointResult[]): string[] {
  const counts = points.flatMap(({ pairs }) => pairs.map(({ received }) => received));
  const least = Math.min(...counts);
  if (counts.length === 0 || least >= samplesFor(0.999)) return [];
  return [
    `p99.9 needs ${rounded(samplesFor(0.999))} messages of a pair; the pair with the fewest has ${rounded(least)}.`,
  ];
}

function blockLimits(points: readonly PointResult[]): string[] {
  const blocks = points.flatMap((point) => point.blocks);
  const broken = blocks.filter(({ voidReasons }) => voidReasons.length > 0).length;
  const told =
    broken === 0
      ? `None of the ${blocks.length} blocks was void.`
      : `${broken} of the ${blocks.length} blocks were void and are left out.`;
  const unjudged = points.some(({ warmUp }) => warmUp === null);
  const warmUp = "The warm-up was too short to judge whether latency had settled.";
  const floors = points.flatMap((point) => point.egressComparisons);
  const hasNone = floors.length > 0 && floors.every(({ noiseFloorNs }) => noiseFloorNs === null);
  const floor = "No reader was repeated, so there is no noise floor and nothing can be told apart.";
  return [told, ...(unjudged ? [warmUp] : []), ...(hasNone ? [floor] : [])];
}

function factValue(point: PointResult, factor: LedgerFactor) {
  return point.ledger.find((entry) => entry.factor === factor)?.value ?? null;
}
