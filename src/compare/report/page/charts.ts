// Runs in the browser, as text inside report.html: it imports nothing but types, names what it uses
// of the page itself, and places text as text.
import type { Chart, ChartChoice, ChartSeries } from "../chart-data.ts";

interface PageElement {
  hidden: boolean;
  textContent: string | null;
  className: string;
  readonly clientWidth: number;
  open?: boolean;
  value?: string;
  append(child: PageElement): void;
  replaceChildren(...children: PageElement[]): void;
  querySelector(selector: string): PageElement | null;
  setAttribute(name: string, value: string): void;
  addEventListener(type: string, listener: () => void): void;
}

interface MediaQuery {
  addEventListener(type: "change", listener: () => void): void;
}

declare const document: PageElement & {
  readonly documentElement: PageElement;
  createElement(name: string): PageElement;
  getElementById(id: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
};
declare function getComputedStyle(element: PageElement): {
  getPropertyValue(name: string): string;
};
declare function matchMedia(query: string): MediaQuery;
declare function addEventListener(type: string, listener: () => void): void;
declare function requestAnimationFrame(callback: () => void): number;

interface Plot {
  readonly cursor: { readonly idx: number | null };
  readonly ctx: Context;
  valToPos(value: number, scale: string, isCanvas: true): number;
  destroy(): void;
}
interface Context {
  strokeStyle: string;
  lineWidth: number;
  beginPath(): void;
  arc(x: number, y: number, radius: number, from: number, to: number): void;
  stroke(): void;
}
declare const uPlot: new (
  options: object,
  data: readonly (readonly (number | null)[])[],
  place: PageElement,
) => Plot;

declare const devicePixelRatio: number;

const HEIGHT = 340;
const HINT = "Point at the chart to read its lines; press a name below to hide its line.";
/** Lines from this palette entry on are dashed, so that no two differ by colour alone. */
const FIRST_DASHED = 4;
const UNITS = [
  ["s", 1e9],
  ["ms", 1e6],
  ["µs", 1e3],
  ["ns", 1],
] as const;

function duration(nanoseconds: number): string {
  const kept = Number(nanoseconds.toPrecision(3));
  const [unit, size] = UNITS.find(([, least]) => Math.abs(kept) >= least) ?? ["ns", 1];
  return `${Number((kept / size).toPrecision(3))} ${unit}`;
}

/** Round values of a logarithmic axis: 1, 2 and 5 of each decade, or fewer where many decades are. */
function roundSplits(low: number, high: number): number[] {
  const steps = high - low > 3 ? [1] : high - low > 1.5 ? [1, 3] : [1, 1.5, 2, 3, 5, 7];
  const splits: number[] = [];
  for (let decade = Math.floor(low); decade <= high; decade += 1) {
    for (const step of steps) {
      const at = decade + Math.log10(step);
      if (at >= low && at <= high) splits.push(at);
    }
  }
  return splits;
}

function logarithms(series: ChartSeries): (number | null)[] {
  return series.values.map((value) => (value === null || value <= 0 ? null : Math.log10(value)));
}

function colourOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function optionsFor(choice: ChartChoice, width: number, onMove: (plot: Plot) => void): object {
  const axis = {
    stroke: colourOf("--muted"),
    grid: { stroke: colourOf("--line"), width: 1 },
    ticks: { stroke: colourOf("--line"), width: 1 },
    font: "12px system-ui, sans-serif",
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { time: false, range: (_: Plot, low: number, high: number) => [low, high] },
      y: { range: (_: Plot, low: number, high: number) => [low - 0.04, high + 0.04] },
    },
    axes: [
      {
        ...axis,
        splits: () => choice.ticks.map(({ at }) => at),
        values: () => choice.ticks.map(({ text }) => text),
      },
      {
        ...axis,
        size: 64,
        splits: (_: Plot, __: number, low: number, high: number) => roundSplits(low, high),
        values: (_: Plot, splits: readonly number[]) => splits.map((at) => duration(10 ** at)),
      },
    ],
    series: [
      {},
      ...choice.series.map(({ label, colour }) => ({
        label,
        stroke: colourOf(`--series-${colour}`),
        width: 2,
        points: { show: choice.x.length < 12, size: 6 },
        ...(colour >= FIRST_DASHED ? { dash: [6, 4] } : {}),
      })),
    ],
    hooks: { setCursor: [onMove], draw: [(plot: Plot) => drawRings(plot, choice)] },
  };
}

function drawRings(plot: Plot, choice: ChartChoice): void {
  for (const series of choice.series) {
    if (series.ringAt === null) continue;
    const x = choice.x[series.ringAt];
    const y = logarithms(series)[series.ringAt];
    if (x === undefined || y === undefined || y === null) continue;
    plot.ctx.strokeStyle = colourOf(`--series-${series.colour}`);
    plot.ctx.lineWidth = 2 * devicePixelRatio;
    plot.ctx.beginPath();
    const [left, top] = [plot.valToPos(x, "x", true), plot.valToPos(y, "y", true)];
    plot.ctx.arc(left, top, 9 * devicePixelRatio, 0, 2 * Math.PI);
    plot.ctx.stroke();
  }
}

/** What the lines say at the place of the pointer. */
function readout(choice: ChartChoice, index: number | null): string {
  if (index === null) return HINT;
  const at = choice.x[index] ?? 0;
  const tick = choice.ticks.find((each) => Math.abs(each.at - at) < 1e-9);
  const place = tick?.text ?? `${Number((100 * (1 - 10 ** -at)).toPrecision(5))} %`;
  const told = choice.series.flatMap(({ label, values }) => {
    const value = values[index];
    return value === undefined || value === null ? [] : [`${label} ${duration(value)}`];
  });
  return `${place}: ${told.join(" · ")}`;
}

function textElement(name: string, text: string): PageElement {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

/** Names and colours of the lines; pressing one hides or shows its line. */
function keyOf(
  choice: ChartChoice,
  hidden: ReadonlySet<string>,
  onPressed: (label: string) => void,
): PageElement[] {
  return choice.series.map(({ label, colour }) => {
    const swatch = document.createElement("span");
    swatch.className = `swatch series-${colour}${colour >= FIRST_DASHED ? " dashed" : ""}`;
    const button = document.createElement("button");
    button.setAttribute("type", "button");
    button.setAttribute("aria-pressed", String(!hidden.has(label)));
    button.append(swatch);
    button.append(textElement("span", label));
    button.addEventListener("click", () => onPressed(label));
    const item = document.createElement("li");
    item.append(button);
    return item;
  });
}

/** Draws one place, and returns how to draw it again when its width or the colours have changed. */
function drawChart(chart: Chart): (() => void) | null {
  const figure = document.getElementById(chart.place);
  const place = figure?.querySelector(".plot");
  const line = figure?.querySelector(".readout");
  const key = figure?.querySelector(".key");
  if (!figure || !place || !line || !key || chart.choices.length === 0) return null;
  figure.hidden = false;
  let chosen = 0;
  let plot: Plot | null = null;
  const hidden = new Set<string>();
  const draw = (): void => {
    const choice = chart.choices[chosen];
    if (choice === undefined) return;
    const series = choice.series.filter(({ label }) => !hidden.has(label));
    const shown = { ...choice, series };
    plot?.destroy();
    const onMove = ({ cursor }: Plot): void => {
      line.textContent = readout(shown, cursor.idx);
    };
    const options = optionsFor(shown, place.clientWidth, onMove);
    plot = new uPlot(options, [choice.x, ...series.map(logarithms)], place);
    const onPressed = (label: string): void => {
      if (!hidden.delete(label) && series.length > 1) hidden.add(label);
      draw();
    };
    key.replaceChildren(...keyOf(choice, hidden, onPressed));
  };
  const choice = figure.querySelector(".choice");
  // Paper has no list to choose from, and says what was chosen.
  const printed = textElement("span", chart.choices[0]?.label ?? "");
  printed.className = "chosen";
  choice?.append(
    chooser(chart, (index) => {
      chosen = index;
      printed.textContent = chart.choices[index]?.label ?? "";
      draw();
    }),
  );
  if (chart.choices.length > 1) choice?.append(printed);
  draw();
  return draw;
}

function chooser({ choices }: Chart, onChosen: (index: number) => void): PageElement {
  const [only] = choices;
  if (only !== undefined && choices.length === 1) return textElement("span", only.label);
  const select = document.createElement("select");
  select.setAttribute("aria-label", "what the chart shows");
  for (const [index, { label }] of choices.entries()) {
    const option = textElement("option", label);
    option.setAttribute("value", String(index));
    select.append(option);
  }
  select.addEventListener("change", () => onChosen(Number(select.value ?? "0")));
  return select;
}

function readCharts(): Chart[] {
  // The page's own data, written by the program that wrote this script.
  return JSON.parse(document.getElementById("chart-data")?.textContent ?? "[]") as Chart[];
}

const redraws = readCharts().flatMap((chart) => drawChart(chart) ?? []);
let isWaiting = false;
function redrawSoon(): void {
  if (isWaiting) return;
  isWaiting = true;
  requestAnimationFrame(() => {
    isWaiting = false;
    redrawNow();
  });
}
function redrawNow(): void {
  for (const draw of redraws) draw();
}
addEventListener("resize", redrawSoon);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawSoon);
// Paper is white whatever the screen is, and the page is laid out before it is printed: at once.
matchMedia("print").addEventListener("change", redrawNow);

/** Paper has nothing to click on. */
const opened: PageElement[] = [];
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details:not([open])")) {
    fold.open = true;
    opened.push(fold);
  }
});
addEventListener("afterprint", () => {
  for (const fold of opened.splice(0)) fold.open = false;
});
