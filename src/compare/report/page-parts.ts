import type { PairResult } from "../comparison-result.ts";
import type { IngressName } from "../plan.ts";
import { type Content, html, type Markup } from "./markup.ts";

/** A part of the page under a heading, with one sentence on how it is to be read. */
export function section(id: string, title: string, how: string, ...content: Content[]): Markup {
  return html(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    html("h2", { id: `${id}-title` }, title),
    how === "" ? null : html("p", { class: "how" }, how),
    ...content,
  );
}

/** A table that scrolls by itself where the window is narrow. The first cell of a row heads it. */
export function table(
  caption: string,
  headings: readonly Content[],
  rows: readonly (readonly Content[])[],
  kind = "",
): Markup {
  return html(
    "div",
    // Scrolled by keys, so it has to take the focus and say what it is.
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    html(
      "table",
      { class: kind },
      html("caption", {}, caption),
      html(
        "thead",
        {},
        html(
          "tr",
          {},
          headings.map((heading) => html("th", { scope: "col" }, heading)),
        ),
      ),
      html(
        "tbody",
        {},
        rows.map((row) => html("tr", {}, row.map(cell))),
      ),
    ),
  );
}

function cell(content: Content, index: number): Markup {
  return index === 0 ? html("th", { scope: "row" }, content) : html("td", {}, content);
}

/** What is opened on demand, and always in print. */
export function fold(title: string, isOpen: boolean, ...content: Content[]): Markup {
  return html("details", { open: isOpen }, html("summary", {}, title), ...content);
}

/** A figure that is not there is said to be missing, never left blank. */
export const MISSING = "not measured";

/** A place for a chart that the page's script draws; without it the table beneath says the same. */
export function chartPlace(id: string, label: string): Markup {
  return html(
    "figure",
    { class: "chart", id, "aria-label": label, hidden: true },
    html("div", { class: "choice" }),
    html("div", { class: "plot", role: "img", "aria-label": label }),
    html("p", { class: "readout", "aria-hidden": "true" }),
    html("ul", { class: "key" }),
  );
}

/** One fold for each publisher, that of the headline open: dozens of pairs in one table are a wall. */
export function foldByIngress(
  pairs: readonly PairResult[],
  opened: IngressName,
  build: (pairs: readonly PairResult[]) => Markup | null,
): Markup[] {
  const ingresses = [...new Set(pairs.map(({ ingress }) => ingress))];
  const parts = ingresses.flatMap((ingress) => {
    const content = build(pairs.filter((pair) => pair.ingress === ingress));
    return content === null ? [] : [{ ingress, content }];
  });
  if (parts.length <= 1) return parts.map(({ content }) => content);
  return parts.map(({ ingress, content }) =>
    fold(`Published by ${ingress}`, ingress === opened, content),
  );
}
