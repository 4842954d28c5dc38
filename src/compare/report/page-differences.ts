import type { ComparisonResult, PointResult } from "../comparison-result.ts";
import { chance, duration, durationRange, signedDuration, signedPercent } from "./figures.ts";
import { intervalPictures } from "./interval-picture.ts";
import { type Content, html, type Markup } from "./markup.ts";
import { fold, section, table } from "./page-parts.ts";
import { type Row, statedVerdict } from "./ranking.ts";
import { headlineEgress, headlineIngress, pointLabel } from "./standing.ts";

const HEADINGS = [
  "first − second",
  "first faster ← 0 → slower",
  "difference",
  "95 % interval",
  "of the second",
  "p (Holm)",
  "verdict",
];

/** Every difference with its interval, the noise floor, and what may be said of it. */
export function differencesSection(result: ComparisonResult): Markup {
  const points = result.points.filter(({ verdict }) => verdict === "valid");
  return section(
    "differences",
    "Paired differences",
    "Readers are compared message by message, publishers block by block. The band is the noise floor, what two readers of one transport differ by here; beyond it the pictures' scale is logarithmic. A verdict needs an interval without 0, an estimate beyond the floor, and a p-value below 0.05 among all comparisons of its kind.",
    points.map((point, index) => {
      const label = pointLabel(result.plan, point);
      const content = differencesAt(result, point);
      return label === null ? content : fold(label, index === 0, ...content);
    }),
  );
}

function differencesAt({ plan }: ComparisonResult, point: PointResult): Markup[] {
  const readers = plan.ingress.map((ingress) => {
    const rows = point.egressComparisons.filter((row) => row.ingress === ingress);
    const title = `Readers of what ${ingress} published`;
    return comparisonFold(title, ingress === headlineIngress(plan), rows);
  });
  const publishers = plan.egress.map((egress) => {
    const rows = point.ingressComparisons.filter((row) => row.egress === egress);
    return comparisonFold(
      `Publishers as ${egress} reads them`,
      egress === headlineEgress(plan),
      rows,
    );
  });
  return [...readers, ...publishers].filter((each) => each !== null);
}

function comparisonFold(
  title: string,
  isOpen: boolean,
  rows: readonly Row<string>[],
): Markup | null {
  const [first] = rows;
  if (first === undefined) return null;
  const pictures = intervalPictures(
    rows.map((row) =>
      row.difference === null
        ? null
        : {
            ...row.difference,
            floor: row.noiseFloorNs,
            isFound: statedVerdict(row) !== "no measurable difference",
          },
    ),
  );
  const floor =
    first.noiseFloorNs === null
      ? "no noise floor: nothing was repeated, so nothing can be told apart"
      : `noise floor ${duration(first.noiseFloorNs)}`;
  const body = rows.map((row, index) => [
    html("span", { class: "names" }, `${row.first} − ${row.second}`),
    pictures[index] ?? null,
    ...differenceCells(row),
  ]);
  return fold(`${title}: ${floor}`, isOpen, table(title, HEADINGS, body, "differences"));
}

function differenceCells(row: Row<string>): Content[] {
  const verdict = statedVerdict(row);
  const kind = verdict === "no measurable difference" ? "unfound" : "found";
  const told = html("span", { class: kind }, verdictText(row, verdict));
  if (row.difference === null) return ["–", "–", "–", "–", told];
  return [
    signedDuration(row.difference.estimate),
    durationRange(row.difference),
    row.share === null ? "–" : signedPercent(row.share),
    row.adjustedPValue === null ? "–" : chance(row.adjustedPValue),
    told,
  ];
}

function verdictText(row: Row<string>, verdict: ReturnType<typeof statedVerdict>): string {
  if (verdict === "no measurable difference") return verdict;
  return `${verdict === "lower" ? row.first : row.second} is faster`;
}
