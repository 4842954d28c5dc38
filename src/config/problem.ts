import type { z } from "zod";

/** One thing that is wrong with the settings. */
export interface ConfigProblem {
  /** The setting, or the file or variable when no setting is meant. */
  readonly path: string;
  /** Where the value came from: a file with its line, a variable, a flag; `null` for a default. */
  readonly source: string | null;
  /** What is wrong, with the value and the bound. */
  readonly text: string;
}

/** The settings cannot be used. Holds every problem, not only the first. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** `http.port (from TRIBUTARY_HTTP_PORT): 70000 is over the maximum 65535`. */
export function formatProblem(problem: ConfigProblem): string {
  const origin = problem.source === null ? "" : ` (from ${problem.source})`;
  return `${problem.path}${origin}: ${problem.text}`;
}

/** What is wrong with a value, in words. */
export function explainIssue(issue: z.core.$ZodIssue, value: unknown): string {
  const shown = show(value);
  switch (issue.code) {
    case "too_big":
      return `${shown} is over the maximum ${issue.maximum}`;
    case "too_small":
      return issue.origin === "string"
        ? `${shown} is empty; leave the setting out to have its default`
        : `${shown} is under the minimum ${issue.minimum}`;
    case "invalid_type":
      return `${shown} is not ${EXPECTED[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `${shown} is not one of ${issue.values.map(String).join(", ")}`;
    case "invalid_format":
      return `${shown} ${issue.message}`;
    default:
      return `${shown} is refused: ${issue.message}`;
  }
}

const EXPECTED: Readonly<Record<string, string>> = {
  number: "a whole number",
  int: "a whole number",
  boolean: "true or false",
  string: "text",
  array: "a list",
};

/** A value as it may stand in a message: cut at 80 characters, control characters escaped. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
