import type { WireCause } from "../comparison-result.ts";
import { html, type Markup } from "./markup.ts";

/** Causes in the order of the stack, from what is wanted to what is not, with their names. */
export const CAUSES: readonly (readonly [WireCause, string])[] = [
  ["payload", "payload"],
  ["envelope", "our envelope"],
  ["framing", "headers, framing"],
  ["acknowledgement", "acknowledgements"],
  ["handshake", "handshake"],
  ["keepAlive", "keep-alive"],
];

/** Units of the drawing of a bar. */
const WIDTH = 240;
const HEIGHT = 18;

/** Bytes stacked by cause; `most` fills the width. */
export function stackedBar(bytes: Readonly<Record<WireCause, number>>, most: number): Markup {
  let left = 0;
  const parts = CAUSES.map(([cause]) => {
    const width = (Math.max(0, bytes[cause]) / Math.max(1, most)) * WIDTH;
    const part = html("rect", {
      class: `cause-${cause}`,
      x: left.toFixed(1),
      y: 1,
      width: width.toFixed(1),
      height: HEIGHT - 2,
    });
    left += width;
    return part;
  });
  const viewBox = `0 0 ${WIDTH} ${HEIGHT}`;
  return html("svg", { class: "bar", viewBox, "aria-hidden": "true" }, ...parts);
}

/** One figure as a length; `most` fills the width. */
export function lengthBar(value: number, most: number): Markup {
  const width = ((Math.max(0, value) / most) * WIDTH).toFixed(1);
  return html(
    "svg",
    { class: "bar", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" },
    html("rect", { class: "length", x: 0, y: 1, width, height: HEIGHT - 2 }),
  );
}

/** The names of the colours. */
export function causeKey(): Markup {
  return html(
    "ul",
    { class: "key", "aria-label": "Colours of the bars" },
    CAUSES.map(([cause, name]) =>
      html("li", {}, html("span", { class: `swatch cause-${cause}` }), name),
    ),
  );
}

/** Of all causes; 0 when they were not measured. */
export function totalOf(bytes: Readonly<Record<WireCause, number>> | null): number {
  return bytes === null ? 0 : CAUSES.reduce((sum, [cause]) => sum + bytes[cause], 0);
}
