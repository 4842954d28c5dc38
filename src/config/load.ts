import { readFile } from "node:fs/promises";
import {
  type Assignment,
  type Assignments,
  type FlagValue,
  fromEnvironment,
  fromFlags,
} from "./assignment.ts";
import { crossCheck } from "./checks.ts";
import { derivedMaxPacketBytes } from "./derived.ts";
import { ConfigError, type ConfigProblem, explainIssue } from "./problem.ts";
import { type Config, configSchema } from "./schema.ts";
import { listSettings, type Setting } from "./settings.ts";
import { fromYaml } from "./yaml-file.ts";

/** Where settings come from; each beats those before it: defaults, file, environment, flags. */
export interface ConfigSources {
  /** A YAML file; left out, none is read. */
  readonly file?: string | undefined;
  /** Variables, those of others included; only names that start with `TRIBUTARY_` are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags: readonly FlagValue[];
}

/** The settings in effect. */
export interface LoadedConfig {
  readonly config: Config;
  /** As given or by default, before what they leave open is derived; by path. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Where each setting that is not at its default was given; by path. */
  readonly origins: ReadonlyMap<string, string>;
}

/** Reads, merges and checks the settings. Rejects with {@link ConfigError} holding every problem. */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const settings = listSettings();
  const given = [
    await readYaml(sources.file, settings),
    fromEnvironment(sources.env, settings),
    fromFlags(sources.flags, settings),
  ];
  return settle(
    settings,
    given.flatMap(({ assignments }) => assignments),
    given.flatMap(({ problems }) => problems),
  );
}

/** The settings of a plain object, checked as a file would be; for tests and for embedding. */
export function parseConfig(input: object): Config {
  const settings = listSettings();
  const { assignments, problems } = fromYaml("config", JSON.stringify(input), settings);
  return settle(settings, assignments, problems).config;
}

async function readYaml(
  file: string | undefined,
  settings: readonly Setting[],
): Promise<Assignments> {
  if (file === undefined) return { assignments: [], problems: [] };
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const problem = { path: file, source: "--config", text: `cannot be read: ${reason}` };
    return { assignments: [], problems: [problem] };
  }
  return fromYaml(file, text, settings);
}

/** Checks each value, then the whole; a value that is refused takes part as its default. */
function settle(
  settings: readonly Setting[],
  assignments: readonly Assignment[],
  formProblems: readonly ConfigProblem[],
): LoadedConfig {
  const problems = [...formProblems];
  const refused = new Set<string>();
  const values = new Map<string, unknown>(settings.map((each) => [each.path, each.default]));
  const origins = new Map<string, string>();
  // A wrong value is a problem even where a later source overrides it.
  for (const { setting, value, source } of assignments) {
    const found = problemsOf(setting, value, source);
    origins.set(setting.path, source);
    if (found.length === 0) values.set(setting.path, value);
    else refused.add(setting.path);
    problems.push(...found);
  }
  const config = derive(configSchema.parse(toTree(values)));
  for (const { path, comparedWith, text } of crossCheck(config)) {
    if ([path, ...comparedWith].some((each) => refused.has(each))) continue;
    problems.push({ path, source: origins.get(path) ?? null, text });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { config: deepFreeze(config), values, origins };
}

function problemsOf(setting: Setting, value: unknown, source: string): ConfigProblem[] {
  const result = setting.schema.safeParse(value);
  if (result.success) return [];
  // Of several complaints about one value the last is the schema's own bound.
  const seen = new Map<string, ConfigProblem>();
  for (const issue of result.error.issues) {
    const [index] = issue.path;
    const isItem = typeof index === "number" && Array.isArray(value);
    const path = isItem ? `${setting.path}[${index}]` : setting.path;
    const text = explainIssue(issue, isItem ? value[index] : value);
    seen.set(path, { path, source, text });
  }
  return [...seen.values()];
}

type Tree = { [key: string]: unknown };

function toTree(values: ReadonlyMap<string, unknown>): Tree {
  const root: Tree = {};
  const groups = new Map<string, Tree>([["", root]]);
  for (const [path, value] of values) {
    const end = path.lastIndexOf(".");
    groupAt(groups, path.slice(0, Math.max(end, 0)))[path.slice(end + 1)] = value;
  }
  return root;
}

function groupAt(groups: Map<string, Tree>, path: string): Tree {
  const known = groups.get(path);
  if (known !== undefined) return known;
  const end = path.lastIndexOf(".");
  const made: Tree = {};
  groups.set(path, made);
  groupAt(groups, path.slice(0, Math.max(end, 0)))[path.slice(end + 1)] = made;
  return made;
}

function derive(config: Config): Config {
  const maxPacketBytes = config.mqtt.maxPacketBytes || derivedMaxPacketBytes(config.limits);
  return { ...config, mqtt: { ...config.mqtt, maxPacketBytes } };
}

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) {
    if (typeof member === "object" && member !== null) deepFreeze(member);
  }
  return Object.freeze(value);
}
