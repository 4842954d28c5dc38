import type { ConfigProblem } from "./problem.ts";
import type { Setting } from "./settings.ts";
import { didYouMean } from "./suggestion.ts";

/** A value given to a setting, before it is checked. */
export interface Assignment {
  readonly setting: Setting;
  readonly value: unknown;
  /** Where it was given: `site.yaml:3`, `TRIBUTARY_HTTP_PORT`, `--http-port`. */
  readonly source: string;
}

/** What one source gives, and what is wrong with its form. Later assignments win. */
export interface Assignments {
  readonly assignments: readonly Assignment[];
  readonly problems: readonly ConfigProblem[];
}

/** A setting given on the command line: `--set path=value`, or a flag that stands for one path. */
export interface FlagValue {
  readonly flag: string;
  readonly path: string;
  readonly text: string;
}

const PREFIX = "TRIBUTARY_";

/** Reads every variable that starts with `TRIBUTARY_`; one that names no setting is a problem. */
export function fromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  settings: readonly Setting[],
): Assignments {
  const byName = new Map(settings.map((setting) => [setting.env, setting]));
  const assignments: Assignment[] = [];
  const problems: ConfigProblem[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || text === undefined) continue;
    const setting = byName.get(name);
    if (setting === undefined) {
      const hint = didYouMean(name, [...byName.keys()]);
      problems.push({ path: name, source: "environment", text: `sets nothing${hint}` });
    } else {
      assignments.push({ setting, value: readText(setting, text), source: name });
    }
  }
  return { assignments, problems };
}

/** Reads settings given on the command line, in their order. */
export function fromFlags(flags: readonly FlagValue[], settings: readonly Setting[]): Assignments {
  const byPath = new Map(settings.map((setting) => [setting.path, setting]));
  const assignments: Assignment[] = [];
  const problems: ConfigProblem[] = [];
  for (const { flag, path, text } of flags) {
    const setting = byPath.get(path);
    if (setting === undefined) {
      const hint = didYouMean(path, [...byPath.keys()]);
      problems.push({ path, source: flag, text: `no such setting${hint}` });
    } else {
      assignments.push({ setting, value: readText(setting, text), source: flag });
    }
  }
  return { assignments, problems };
}

/** Text as a value of the setting's type; text that is not one stays text, and is refused later. */
function readText(setting: Setting, text: string): unknown {
  switch (setting.type) {
    case "whole number":
      return /^-?\d+$/.test(text) ? Number(text) : text;
    case "true or false":
      return text === "true" ? true : text === "false" ? false : text;
    case "list":
      return text === "" ? [] : text.split(",").map((item) => item.trim());
    default:
      return text;
  }
}
