import type { Slot } from "./block-design.ts";
import type { BlockDifference } from "./statistics/interval.ts";
import { type AdjustedInterval, adjustedInterval, holmAdjusted } from "./statistics/interval.ts";
import { noiseFloor, type Verdict, verdictOf } from "./statistics/noise-floor.ts";

/** A difference within one block, first minus second. */
export interface BlockEstimate {
  readonly median: number;
  readonly mean: number;
}

/** What a table says of two names at one fixed other side. */
export interface DifferenceRow<Fixed extends string, Compared extends string> {
  readonly fixed: Fixed;
  readonly first: Compared;
  readonly second: Compared;
  readonly difference: AdjustedInterval | null;
  readonly meanDifference: AdjustedInterval | null;
  readonly noiseFloorNs: number | null;
  readonly verdict: Verdict;
  readonly adjustedPValue: number | null;
}

interface Series {
  readonly medians: BlockDifference[];
  readonly means: BlockDifference[];
}

/**
 * Block estimates of every difference on one side: between readers of one ingress, or between
 * publishers to one egress. Holds estimates alone, never messages.
 */
export class DifferenceTable<Fixed extends string, Compared extends string> {
  readonly #names: readonly Compared[];
  readonly #series = new Map<string, Series>();
  readonly #fixed = new Set<Fixed>();

  constructor(names: readonly Compared[]) {
    this.#names = names;
  }

  /** Adds one block's differences at `fixed`; `estimate` compares the slots at two positions. */
  add(
    fixed: Fixed,
    slots: readonly Slot<Compared>[],
    estimate: (first: Slot<Compared>, second: Slot<Compared>) => BlockEstimate | null,
  ): void {
    this.#fixed.add(fixed);
    const measured = slots.filter(({ role }) => role === "measured");
    for (const first of measured) {
      for (const second of measured) {
        if (this.#names.indexOf(first.name) >= this.#names.indexOf(second.name)) continue;
        this.#append(key(fixed, first.name, second.name), first, second, estimate);
      }
    }
    const twin = slots.find(({ role }) => role === "twin");
    const equal = measured.find(({ name }) => name === twin?.name);
    if (twin !== undefined && equal !== undefined) {
      this.#append(key(fixed, "twin", "twin"), equal, twin, estimate);
    }
  }

  /** Every difference with its interval, floor and verdict, adjusted as one family. */
  rows(): DifferenceRow<Fixed, Compared>[] {
    const rows = [...this.#fixed].flatMap((fixed) => this.#rowsAt(fixed));
    const pValues = rows.flatMap(({ difference }) =>
      difference === null ? [] : difference.pValue,
    );
    const adjusted = holmAdjusted(pValues);
    let next = 0;
    return rows.map((row) => {
      if (row.difference === null) return row;
      const adjustedPValue = adjusted[next] ?? null;
      next += 1;
      return { ...row, adjustedPValue };
    });
  }

  #rowsAt(fixed: Fixed): DifferenceRow<Fixed, Compared>[] {
    const twins = this.#series.get(key(fixed, "twin", "twin"));
    const sameTwice = twins === undefined ? null : adjustedInterval(twins.medians);
    const noiseFloorNs = sameTwice === null ? null : noiseFloor(sameTwice);
    return this.#names.flatMap((first, index) =>
      this.#names.slice(index + 1).map((second) => {
        const series = this.#series.get(key(fixed, first, second));
        const difference = series === undefined ? null : adjustedInterval(series.medians);
        const meanDifference = series === undefined ? null : adjustedInterval(series.means);
        const verdict =
          difference === null ? "no measurable difference" : verdictOf(difference, noiseFloorNs);
        const adjustedPValue = null;
        return {
          fixed,
          first,
          second,
          difference,
          meanDifference,
          noiseFloorNs,
          verdict,
          adjustedPValue,
        };
      }),
    );
  }

  #append(
    name: string,
    first: Slot<Compared>,
    second: Slot<Compared>,
    estimate: (first: Slot<Compared>, second: Slot<Compared>) => BlockEstimate | null,
  ): void {
    const found = estimate(first, second);
    if (found === null) return;
    let series = this.#series.get(name);
    if (series === undefined) {
      series = { medians: [], means: [] };
      this.#series.set(name, series);
    }
    const positionDifference = first.position - second.position;
    series.medians.push({ difference: found.median, positionDifference });
    series.means.push({ difference: found.mean, positionDifference });
  }
}

/** Names hold no space. */
function key(fixed: string, first: string, second: string): string {
  return `${fixed} ${first} ${second}`;
}
