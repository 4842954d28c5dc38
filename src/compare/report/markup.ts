import { visibleText } from "./visible-text.ts";

/** HTML that is safe to place in a document: only {@link html} and {@link document} make it. */
export class Markup {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /** The one way to unchecked text; for this file and for code that the page itself consists of. */
  static unchecked(text: string): Markup {
    return new Markup(text);
  }
}

/** Text is escaped when it is placed; `null` is nothing. */
export type Content = Markup | string | number | null | readonly Content[];

type Attributes = Readonly<Record<string, string | number | boolean>>;

/** Elements without an end tag (WHATWG HTML §13.1.2, void elements). */
const VOID_ELEMENTS: ReadonlySet<string> = new Set(["br", "col", "link", "meta", "wbr"]);

/**
 * One element. Names are the code's own; every value and text is escaped, and characters that would
 * turn the direction of a line are shown instead, so nothing in a result can become markup. A false
 * attribute is left out.
 */
export function html(name: string, attributes: Attributes, ...content: Content[]): Markup {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== false)
    .map(([key, value]) => ` ${key}="${value === true ? "" : escaped(String(value))}"`)
    .join("");
  const end = VOID_ELEMENTS.has(name) ? "" : `${rendered(content)}</${name}>`;
  return Markup.unchecked(`<${name}${written}>${end}`);
}

/** Data for a script, in an element that a browser does not run. */
export function dataElement(id: string, value: unknown): Markup {
  // Without "<" no text can end the element or open a comment in it (WHATWG HTML §4.12.1.3).
  const json = JSON.stringify(value).replaceAll("<", "\\u003c");
  return Markup.unchecked(`<script type="application/json" id="${escaped(id)}">${json}</script>`);
}

function rendered(content: Content): string {
  if (content === null) return "";
  if (content instanceof Markup) return content.text;
  if (typeof content === "number" || typeof content === "string") return escaped(String(content));
  return content.map(rendered).join("");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return visibleText(text).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
