import { stringify } from "yaml";
import type { Setting } from "./settings.ts";

/** Columns of a line of comment. */
const COMMENT_COLUMNS = 100;

/** How settings are written as YAML. */
export interface RenderOptions {
  /** Lines above a setting; each may be long and is wrapped. */
  readonly commentsOf: (setting: Setting) => readonly string[];
  /** A remark behind a setting on its line; `null` for none. */
  readonly remarkOf: (setting: Setting) => string | null;
}

/** The settings as a YAML file that can be given to `--config`. */
export function renderYaml(
  settings: readonly Setting[],
  values: ReadonlyMap<string, unknown>,
  options: RenderOptions,
): string {
  const lines: string[] = [];
  let open: readonly string[] = [];
  for (const setting of settings) {
    const path = setting.path.split(".");
    const groups = path.slice(0, -1);
    lines.push(...openGroups(open, groups));
    open = groups;
    const indent = "  ".repeat(groups.length);
    for (const comment of options.commentsOf(setting)) {
      lines.push(
        ...wrap(comment, COMMENT_COLUMNS - indent.length - 2).map((l) => `${indent}# ${l}`),
      );
    }
    const remark = options.remarkOf(setting);
    const value = inline(values.get(setting.path));
    const behind = remark === null ? "" : ` # ${remark}`;
    lines.push(`${indent}${path.at(-1)}: ${value}${behind}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Every setting at its default, each under its meaning, bounds and variable. */
export function renderDefaults(settings: readonly Setting[]): string {
  const heading = [
    "# Every setting of Tributary with its default, as it is in effect without a file.",
    "# Each can also be set by the environment variable named above it, or by --set path=value.",
    "# A file needs to hold only what differs. This file is generated from the schema by",
    "# `npm run config:default`.",
    "",
  ];
  const values = new Map<string, unknown>(settings.map((each) => [each.path, each.default]));
  const body = renderYaml(settings, values, { commentsOf: describe, remarkOf: () => null });
  return `${heading.join("\n")}\n${body}`;
}

/** Meaning, bounds and variable of a setting, as comments. */
export function describe(setting: Setting): readonly string[] {
  const bounds = setting.bounds === "" ? setting.type : `${setting.type}, ${setting.bounds}`;
  return [setting.meaning, `(${bounds}; ${setting.env})`];
}

/** Lines that open the groups a setting is in and the one before it was not. */
function openGroups(open: readonly string[], groups: readonly string[]): string[] {
  let shared = 0;
  while (shared < groups.length && open[shared] === groups[shared]) shared += 1;
  const lines = groups
    .slice(shared)
    .map((group, index) => `${"  ".repeat(shared + index)}${group}:`);
  return shared === 0 && lines.length > 0 && open.length > 0 ? ["", ...lines] : lines;
}

function inline(value: unknown): string {
  return stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trimEnd();
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines;
}
