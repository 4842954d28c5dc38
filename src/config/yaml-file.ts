import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
} from "yaml";
import type { Assignment, Assignments } from "./assignment.ts";
import { type ConfigProblem, show } from "./problem.ts";
import type { Setting } from "./settings.ts";
import { didYouMean } from "./suggestion.ts";

/** Reads settings from the text of a YAML file; problems name the file and the line. */
export function fromYaml(file: string, text: string, settings: readonly Setting[]): Assignments {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    const problems = faults.map((fault) => ({
      path: `${file}:${lines.linePos(fault.pos[0]).line}`,
      source: null,
      text: fault.message,
    }));
    return { assignments: [], problems };
  }
  const reader = new YamlReader(file, lines, settings, document);
  reader.readGroup(document.contents, []);
  return reader;
}

/** Walks a document along the schema's groups and keeps the line of everything it meets. */
class YamlReader implements Assignments {
  readonly assignments: Assignment[] = [];
  readonly problems: ConfigProblem[] = [];
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #byPath: ReadonlyMap<string, Setting>;
  readonly #groups: ReadonlySet<string>;
  readonly #document: Document;

  constructor(file: string, lines: LineCounter, settings: readonly Setting[], document: Document) {
    this.#file = file;
    this.#lines = lines;
    this.#document = document;
    this.#byPath = new Map(settings.map((setting) => [setting.path, setting]));
    this.#groups = new Set(settings.flatMap(({ path }) => groupsOf(path)));
  }

  readGroup(given: Node | null, path: readonly string[]): void {
    const node = isAlias(given) ? (given.resolve(this.#document) ?? null) : given;
    // A file or a group with nothing in it gives nothing.
    if (node === null || (isScalar(node) && node.value === null)) return;
    if (!isMap<Node, Node | null>(node)) {
      const name = path.length === 0 ? this.#file : path.join(".");
      const value = show(this.#toValue(node));
      this.#report(name, node, `${value} stands where a group of settings belongs`);
      return;
    }
    for (const { key, value } of node.items) {
      const memberPath = [...path, String(this.#toValue(key))];
      const name = memberPath.join(".");
      const setting = this.#byPath.get(name);
      if (this.#groups.has(name)) this.readGroup(value, memberPath);
      else if (setting === undefined) this.#report(name, key, this.#unknown(name, path));
      else this.#assign(setting, key, value);
    }
  }

  #assign(setting: Setting, key: Node, value: Node | null): void {
    const given = value === null ? null : this.#toValue(value);
    if (given === null) {
      this.#report(setting.path, key, "has no value; leave the line out to have its default");
    } else {
      this.assignments.push({ setting, value: given, source: this.#where(key) });
    }
  }

  #toValue(node: Node): unknown {
    return node.toJS(this.#document);
  }

  #unknown(name: string, path: readonly string[]): string {
    const prefix = path.length === 0 ? "" : `${path.join(".")}.`;
    const known = [...this.#groups, ...this.#byPath.keys()];
    const siblings = known.filter(
      (other) => other.startsWith(prefix) && !other.slice(prefix.length).includes("."),
    );
    const hint = didYouMean(name, siblings) || didYouMean(name, known);
    return `no such setting${hint}`;
  }

  #report(path: string, node: Node, text: string): void {
    this.problems.push({ path, source: this.#where(node), text });
  }

  #where(node: Node): string {
    const offset = node.range?.[0] ?? 0;
    return `${this.#file}:${this.#lines.linePos(offset).line}`;
  }
}

/** `http.poll.maxBytes` lies in the groups `http` and `http.poll`. */
function groupsOf(path: string): string[] {
  const parts = path.split(".");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("."));
}
