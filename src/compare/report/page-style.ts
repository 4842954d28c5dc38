const LIGHT = `
  --paper: #ffffff; --card: #f4f6f8; --ink: #1b2026; --muted: #57606b; --line: #d8dde3;
  --accent: #0a5fb4; --warn: #8a3b00; --warn-card: #fdf1e4; --floor: #dfe4ea;
  --heat-0: #edf5fc; --heat-1: #d6e8f7; --heat-2: #b4d5ee; --heat-3: #84b9e0;
  --heat-4: #2f74b0; --heat-5: #1c5890; --heat-6: #0c3a66;
  --heat-early: #10202f; --heat-late: #ffffff;
  --series-0: #0072b2; --series-1: #d55e00; --series-2: #00805c; --series-3: #b3478c;
  --series-4: #9a6a00; --series-5: #6a46b8; --series-6: #444b54; --series-7: #a12f2f;
  --cause-payload: #2f74b0; --cause-envelope: #7fb2dc; --cause-framing: #d9822b;
  --cause-acknowledgement: #00805c; --cause-handshake: #7a5bb5; --cause-keepAlive: #8a929c;`;

const DARK = `
  --paper: #14181c; --card: #1d2329; --ink: #e7ebef; --muted: #a4aeb9; --line: #363f48;
  --accent: #6db3f2; --warn: #ffb27a; --warn-card: #33251a; --floor: #39424c;
  --heat-0: #1a2530; --heat-1: #1c3144; --heat-2: #1e405c; --heat-3: #205377;
  --heat-4: #6aa9d6; --heat-5: #96c6e9; --heat-6: #c3e1f7;
  --heat-early: #e7ebef; --heat-late: #0d1822;
  --series-0: #4aa8e8; --series-1: #ff8a4c; --series-2: #3ecf9f; --series-3: #f09cc8;
  --series-4: #e8b84a; --series-5: #b497f0; --series-6: #c9ced4; --series-7: #e27878;
  --cause-payload: #4a95d6; --cause-envelope: #9ccaf0; --cause-framing: #f0a04b;
  --cause-acknowledgement: #3ecf9f; --cause-handshake: #b497f0; --cause-keepAlive: #8a949f;`;

const PAGE = `
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; -webkit-text-size-adjust: 100%; }
body { max-width: 76rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
header, section { margin: 0 0 2.5rem; }
h1 { font-size: 1rem; font-weight: 600; margin: 0; color: var(--muted); }
h2 { font-size: 1.35rem; line-height: 1.25; margin: 0 0 .35rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
p { margin: .35rem 0 .75rem; max-width: 46rem; }
.verdict { font-size: 1.4rem; line-height: 1.35; font-weight: 500; margin: .5rem 0 1rem; max-width: 56rem; text-wrap: pretty; }
.void .verdict { background: var(--warn-card); color: var(--warn); border-left: .35rem solid var(--warn); padding: .75rem 1rem; }
.how, .meta, caption, .readout { color: var(--muted); }
.how, .meta { font-size: .92rem; }
.key { display: flex; flex-wrap: wrap; gap: .35rem 1.1rem; list-style: none; margin: .5rem 0; padding: 0; font-size: .92rem; }
a { color: var(--accent); }
.absent { background: var(--card); padding: .6rem .9rem; border-radius: .4rem; color: var(--muted); display: inline-block; }
.scroll { overflow-x: auto; margin: .5rem 0 1rem; }
.scroll:focus-visible, summary:focus-visible, select:focus-visible, button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; font-size: .87rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-size: .87rem; padding: 0 0 .35rem; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; vertical-align: middle; }
th { font-weight: 600; }
thead th { vertical-align: bottom; color: var(--muted); font-weight: 500; white-space: normal; max-width: 9rem; line-height: 1.25; }
th:first-child { text-align: left; padding-left: 0; }
.ledger td, .blocks td:last-child, td:last-child:has(> .found, > .unfound, > .whole) { text-align: left; }
.ledger td, .blocks td:last-child { white-space: normal; } .ledger thead th { text-align: left; }
.differences thead th:last-child { text-align: left; }
.differences thead th:nth-child(2) { text-align: center; white-space: normal; font-size: .78rem; }
.ledger td { overflow-wrap: anywhere; }
.heat { border-collapse: separate; border-spacing: 2px; }
.heat { font-size: .83rem; }
.heat td { border: 0; border-radius: .3rem; text-align: left; padding: .35rem .45rem; line-height: 1.3; }
.heat th { border: 0; }
.heat .tail { font-size: .78rem; } .heat strong { font-weight: 600; }
.heat thead th { text-align: left; white-space: normal; padding-left: .55rem; } .heat thead th:first-child { padding-left: 0; }
.heat .none { color: var(--muted); text-align: center; }
HEAT
.interval { width: 15rem; height: 1.5rem; display: block; }
.bar { width: 15rem; height: 1.15rem; display: block; }
.length { fill: var(--accent); } .floor { fill: var(--floor); } .zero { stroke: var(--muted); stroke-width: 1; }
.whisker { stroke-width: 2; } .whisker.found { stroke: var(--accent); } .whisker.unfound { stroke: var(--muted); }
.dot.found { fill: var(--accent); } .dot.unfound { fill: var(--paper); stroke: var(--muted); stroke-width: 2; }
span.found { color: var(--accent); font-weight: 600; } span.unfound, span.whole { color: var(--muted); }
.differences td:nth-child(2), .differences th:nth-child(2) { padding-left: 0; padding-right: 0; }
.swatch { display: inline-block; width: .95rem; height: .95rem; border-radius: .2rem; margin-right: .4rem; vertical-align: -.12rem; }
.swatch[class*="series-"] { height: 0; border-width: .22rem 0 0; border-style: solid; border-radius: 0; width: 1.4rem; vertical-align: .22rem; }
.swatch.dashed[class] { border-style: dashed; }
.key button { font: inherit; color: inherit; background: none; border: 0; padding: .15rem .1rem; cursor: pointer; }
.key button[aria-pressed="false"] { opacity: .45; text-decoration: line-through; }
.key .swatch[class*="heat-"] { border: 1px solid var(--line); }
SERIES
CAUSES
details { margin: .35rem 0; } summary { cursor: pointer; padding: .3rem 0; font-size: .95rem; }
.chart { margin: .75rem 0 1rem; } .chart .plot { width: 100%; min-height: 340px; }
.readout { font-size: .85rem; min-height: 2.6em; margin: .25rem 0; max-width: none; font-variant-numeric: tabular-nums; }
.chosen { display: none; font-weight: 600; }
select { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .35rem; padding: .35rem .5rem; max-width: 100%; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; font-size: .9rem; margin: 1rem 0; }
.facts dt { color: var(--muted); } .facts dd { margin: 0; overflow-wrap: anywhere; }
section > ul li, .void-point li { margin: .3rem 0; max-width: 46rem; overflow-wrap: anywhere; }
@media (max-width: 40rem) {
  html { font-size: 15px; } .verdict { font-size: 1.15rem; } h2 { font-size: 1.2rem; }
  .interval, .bar { width: 9rem; }
  th:first-child { position: sticky; left: 0; background: var(--paper); max-width: 8.5rem; white-space: normal; padding-right: .5rem; }
}
@media print {
  @page { margin: 14mm 12mm; }
  html { font-size: 11px; } body { max-width: none; padding: 0; }
  .readout, select { display: none; } .chosen { display: inline; }
  .chart .uplot, .chart .u-wrap, .chart canvas { width: 100% !important; height: auto !important; }
  .chart .u-over, .chart .u-under { display: none; }
  .scroll { overflow: visible; } table { font-size: .78rem; width: 100%; }
  th, td { padding: .15rem .3rem; white-space: normal; }
  .interval, .bar { width: 8rem; }
  tr, .chart, figure, h2, summary { break-inside: avoid; } h2, summary, caption { break-after: avoid; }
  thead { display: table-header-group; }
  .heat td, .swatch, svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}`;

const CAUSES = ["payload", "envelope", "framing", "acknowledgement", "handshake", "keepAlive"];

/** The page's style sheet. Colours are variables, which the charts' script reads as well. */
export function pageStyle(): string {
  const heat = Array.from({ length: 7 }, (_, step) => {
    const ink = step < 4 ? "var(--heat-early)" : "var(--heat-late)";
    return `.heat-${step} { background: var(--heat-${step}); color: ${ink}; }`;
  });
  const series = Array.from({ length: 8 }, (_, index) => {
    return `.series-${index} { border-color: var(--series-${index}); }`;
  });
  const causes = CAUSES.map((cause) => {
    return `.cause-${cause} { fill: var(--cause-${cause}); background: var(--cause-${cause}); }`;
  });
  const body = PAGE.replace("HEAT", heat.join("\n"))
    .replace("SERIES", series.join("\n"))
    .replace("CAUSES", causes.join("\n"));
  return [
    `:root { color-scheme: light dark; ${LIGHT} }`,
    `@media (prefers-color-scheme: dark) { :root { ${DARK} } }`,
    `@media print { :root { color-scheme: light; ${LIGHT} } }`,
    body,
  ].join("\n");
}
