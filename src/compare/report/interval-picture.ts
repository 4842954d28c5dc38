import { html, type Markup } from "./markup.ts";

/** Units of the drawing: a picture is as wide as its cell lets it be. */
const WIDTH = 240;
const HEIGHT = 24;
const MARGIN = 6;

/** One interval of a row, with the noise floor as the band around 0; durations in nanoseconds. */
export interface DrawnInterval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly floor: number | null;
  /** Beyond noise: drawn in the colour of a find. */
  readonly isFound: boolean;
}

/**
 * Draws intervals to one scale, symmetrical about 0: linear within the noise floor and logarithmic
 * beyond it, so that a difference of a poll's interval does not flatten all others to a dot.
 * Decoration beside figures that say the same, so hidden from those who hear the page.
 */
export function intervalPictures(intervals: readonly (DrawnInterval | null)[]): Markup[] {
  const drawn = intervals.filter((each) => each !== null);
  const unit = Math.max(
    1,
    drawn[0]?.floor ?? Math.min(...drawn.map(({ low, high }) => high - low)),
  );
  const bent = (value: number): number => Math.asinh(value / unit);
  const ends = drawn.flatMap(({ low, high, floor }) => [low, high, floor ?? 0]);
  const reach = Math.max(bent(unit), ...ends.map((end) => Math.abs(bent(end))));
  const at = (value: number): number => {
    const half = WIDTH / 2 - MARGIN;
    return Math.round((WIDTH / 2 + (bent(value) / reach) * half) * 10) / 10;
  };
  return intervals.map((each) => (each === null ? html("span", {}) : picture(each, at)));
}

function picture(
  { estimate, low, high, floor, isFound }: DrawnInterval,
  at: (value: number) => number,
): Markup {
  const middle = HEIGHT / 2;
  const kind = isFound ? "found" : "unfound";
  return html(
    "svg",
    { class: "interval", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" },
    floor === null
      ? null
      : html("rect", {
          class: "floor",
          x: at(-floor),
          y: 2,
          width: Math.max(0.5, at(floor) - at(-floor)),
          height: HEIGHT - 4,
        }),
    html("line", { class: "zero", x1: at(0), x2: at(0), y1: 0, y2: HEIGHT }),
    html("line", { class: `whisker ${kind}`, x1: at(low), x2: at(high), y1: middle, y2: middle }),
    ...[low, high].map((end) =>
      html("line", {
        class: `whisker ${kind}`,
        x1: at(end),
        x2: at(end),
        y1: middle - 4,
        y2: middle + 4,
      }),
    ),
    html("circle", { class: `dot ${kind}`, cx: at(estimate), cy: middle, r: 4 }),
  );
}
