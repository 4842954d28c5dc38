import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { STATEMENTS_3_1_1 } from "../../conformance/statements/mqtt-3.1.1.ts";
import { STATEMENTS_5_0 } from "../../conformance/statements/mqtt-5.0.ts";
import { SKIPS } from "../../conformance/statements/skips.ts";
import {
  isApplicable,
  type Statement,
  type StatementVersion,
} from "../../conformance/statements/statement.ts";
import { ENGINES, type EngineName } from "./brokers.ts";

/** The catalogue of each version. */
export const CATALOGUES: Readonly<Record<StatementVersion, readonly Statement[]>> = {
  "3.1.1": STATEMENTS_3_1_1,
  "5.0": STATEMENTS_5_0,
};

const VERSIONS = ["3.1.1", "5.0"] as const;
const COLUMNS: readonly EngineName[] = ["native", "aedes"];

/** Titles that begin with ids, and ids that stand alone to be put before a title. */
const TITLE = /["`]((?:\[MQTT-\d+\.\d+\.\d+-\d+\] ?)+)[^"`\n]*["`]/g;
const ID = /\[(MQTT-[\d.]+-\d+)\]/g;

/** Statement to the files that name it in a title, each as often as it does. */
export type Coverage = ReadonlyMap<string, readonly string[]>;

/** Reads which statements the titles of a version's tests name. */
export function readCoverage(version: StatementVersion): Coverage {
  const folder = fileURLToPath(new URL(`../../conformance/mqtt-${version}/`, import.meta.url));
  const files = readdirSync(folder).filter((file) => file.endsWith(".test.ts"));
  return coverageOf(
    files
      .sort()
      .map((file) => [file.slice(0, -".test.ts".length), readFileSync(folder + file, "utf8")]),
  );
}

/** The same of sources, each with its name. */
export function coverageOf(
  sources: readonly (readonly [name: string, source: string])[],
): Coverage {
  const coverage = new Map<string, string[]>();
  for (const [name, source] of sources) {
    for (const [, ids = ""] of source.matchAll(TITLE)) {
      for (const [, id = ""] of ids.matchAll(ID)) {
        coverage.set(id, [...(coverage.get(id) ?? []), name]);
      }
    }
  }
  return coverage;
}

/** Applicable statements that no test names. */
export function uncovered(statements: readonly Statement[], coverage: Coverage): string[] {
  return statements
    .filter((statement) => isApplicable(statement) && !coverage.has(statement.id))
    .map(({ id }) => id);
}

/** Ids in titles that the catalogue does not have. */
export function unknown(statements: readonly Statement[], coverage: Coverage): string[] {
  const known = new Set(statements.map(({ id }) => id));
  return [...coverage.keys()].filter((id) => !known.has(id));
}

type Standing = "yes" | "partly" | "skipped" | "no tests" | "–";

/** How an engine stands to a statement. What its tests find, a run of the suite says. */
function standing(engine: EngineName, statement: Statement, coverage: Coverage): Standing {
  const titles = coverage.get(statement.id)?.length ?? 0;
  if (!isApplicable(statement) || !ENGINES.includes(engine)) return "–";
  if (titles === 0) return "no tests";
  const skips = SKIPS.filter(
    ({ broker, version }) => broker === engine && version === statement.version,
  );
  if (skips.some(({ title }) => title === null)) return "skipped";
  const skipped = skips.filter(({ title }) => title?.includes(`[${statement.id}]`)).length;
  if (skipped === 0) return "yes";
  return skipped < titles ? "partly" : "skipped";
}

/** The document: what is claimed, for which engine, by which tests. */
export function conformanceDocument(): string {
  const parts = VERSIONS.map((version) => ({
    version,
    statements: CATALOGUES[version],
    coverage: readCoverage(version),
  }));
  const summary = parts.map(({ version, statements, coverage }) => {
    const applicable = statements.filter(isApplicable);
    const covered = applicable.filter(({ id }) => coverage.has(id)).length;
    const engines = COLUMNS.map((engine) => {
      if (!ENGINES.includes(engine)) return "not built yet";
      const held = applicable.filter((statement) =>
        ["yes", "partly"].includes(standing(engine, statement, coverage)),
      );
      return `${held.length} / ${applicable.length}`;
    });
    const counts = [statements.length, applicable.length, covered].map(String);
    return [version, ...counts, ...engines];
  });
  const head = ["version", "statements", "bind a server and show", "have tests", ...COLUMNS];
  return [INTRODUCTION, table(head, summary), EXCUSES, skipsTable(), ...parts.map(section)]
    .join("\n\n")
    .concat("\n");
}

const INTRODUCTION = `# MQTT conformance

Every statement that Appendix B of MQTT 3.1.1 and of MQTT 5.0 numbers, in our words, with the tests that
hold the gateway to it. Generated from the catalogues in \`test/conformance/statements/\` and the titles of
the tests in \`test/conformance/mqtt-3.1.1/\` and \`mqtt-5.0/\` by \`npm run docs\`; a unit test fails when an
applicable statement has no test.

"both" binds clients and the server, or binds clients and obliges the server to react to a breach; what
binds clients alone needs no test here. An engine's column says whether the tests run against it: *yes*,
*partly* or *skipped* (the excuses stand below), *–* where there is nothing to test or no engine.`;

const EXCUSES = "What an engine is excused from:";

function skipsTable(): string {
  const rows = SKIPS.filter(({ broker }) => broker !== "mosquitto").map((skip) => [
    skip.broker,
    skip.version,
    skip.title ?? "everything",
    skip.reason,
  ]);
  return table(["engine", "version", "test", "because"], rows);
}

interface Part {
  readonly version: StatementVersion;
  readonly statements: readonly Statement[];
  readonly coverage: Coverage;
}

function section({ version, statements, coverage }: Part): string {
  const rows = statements.map((statement) => [
    statement.id,
    statement.binds,
    statement.why === null ? statement.says : `${statement.says} *${statement.why}*`,
    [...new Set(coverage.get(statement.id) ?? [])].join(", ") || "–",
    ...COLUMNS.map((engine) => standing(engine, statement, coverage)),
  ]);
  const head = ["statement", "binds", "says", "tests in", ...COLUMNS];
  return `## MQTT ${version}\n\n${table(head, rows)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
