import { Command, InvalidArgumentError, Option } from "commander";
import { EGRESS_NAMES, INGRESS_NAMES } from "../compare/plan.ts";
import { NETWORK_PROFILES } from "../compare/plan-factors.ts";
import type { SourcedReport } from "../compare/recommend/coverage.ts";
import { advisablePlans } from "../compare/recommend/plan-advice.ts";
import { NEEDS, OPEN_QUESTION, PREFERENCES, type Question } from "../compare/recommend/question.ts";
import { recommend } from "../compare/recommend/recommend.ts";
import { recommendationJson } from "../compare/recommend/recommendation-json.ts";
import { formatRecommendation } from "../compare/recommend/recommendation-text.ts";
import { findReports } from "../compare/recommend/report-search.ts";
import { readReport } from "../compare/report/report-files.ts";
import { visibleText } from "../compare/report/visible-text.ts";
import { type CliHost, EXIT } from "./host.ts";

interface RecommendOptions {
  readonly payload?: number;
  readonly rate?: number;
  readonly loss?: number;
  readonly network?: Question["network"];
  readonly fanOut?: number;
  readonly tls?: boolean;
  readonly need?: Question["need"];
  readonly browser: Question["browser"];
  readonly prefer: Question["prefer"];
  readonly maxLatency?: number;
  readonly publish?: Question["ingress"];
  readonly read?: Question["egress"];
  readonly report: readonly string[];
  readonly json?: true;
}

/** What was measured does not answer; the plan that would has been printed. */
const EXIT_NOT_MEASURED = 3;
/** Where reports are looked for when none is named. */
const REPORTS = "reports";

/** `tributary recommend`: which transport to use, from measured reports alone. */
export function recommendCommand(host: CliHost): Command {
  const command = new Command("recommend")
    .summary("say which transport to use, from measured reports")
    .description(
      "Answers which transports to publish and read by, from the reports of `tributary compare` and nothing\nelse: with the figures and their intervals, what the transports promise, and what no report covers.",
    )
    .option("--payload <bytes>", "size of a message", parseCount)
    .option("--rate <n>", "messages a second of one publisher", parseNumber)
    .option("--loss <percent>", "packets that the network loses, as 3%", parsePercent)
    .addOption(new Option("--network <profile>", "network").choices([...NETWORK_PROFILES]))
    .option("--fan-out <n>", "readers of one message", parseCount)
    .option("--tls", "connections are encrypted")
    .option("--no-tls", "connections are not encrypted")
    .addOption(new Option("--need <delivery>", "what must hold of delivery").choices([...NEEDS]))
    .addOption(
      new Option("--browser <end>", "which end runs in a browser")
        .choices(["none", "reader", "publisher", "both"])
        .default("none"),
    )
    .addOption(
      new Option("--prefer <what>", "what is to be least: bytes and cpu are of one message")
        .choices([...PREFERENCES])
        .default("latency"),
    )
    .option("--max-latency <ms>", "the 99th percentile may not be above it", parseNumber)
    .addOption(new Option("--publish <name>", "publishers are given").choices([...INGRESS_NAMES]))
    .addOption(new Option("--read <name>", "readers are given").choices([...EGRESS_NAMES]))
    .option(
      "--report <file>",
      `a report.json or its folder; may be repeated (default: those in ./${REPORTS})`,
      (file: string, files: readonly string[]) => [...files, file],
      [],
    )
    .option("--json", "print the answer as JSON");
  return command.addHelpText("after", EXAMPLES).action(async () => {
    host.exitCode = await answer(command.opts<RecommendOptions>(), host);
  });
}

const EXAMPLES = `
How an answer comes about: the point of all reports that covers most of the question is taken. Its pairs
that do what is needed are ranked by their paired differences; those that cannot be told apart are ranked
by bytes, where the report counted them. A payload within 2.5 times, a rate within 10 times, a fan-out and a
share of loss within 3 times of what was measured count as covered. At least once is covered by a report whose plan
broke connections. What nothing covers is named, with the plan to run, and there is no answer until then.

Examples:
  tributary compare --plan headline --out reports/headline     measure first …
  tributary recommend --payload 200 --rate 50                  … then ask
  tributary recommend --payload 200 --rate 1 --loss 3% --need at-least-once
  tributary recommend --browser reader --prefer bytes --report reports/payload-sweep
  tributary recommend --publish mqtt-qos1 --max-latency 5 --json

Exit codes: 0 answered, 1 a report cannot be read, 3 not measured or nothing fits, 64 wrong command line.`;

async function answer(options: RecommendOptions, host: CliHost): Promise<number> {
  const question = questionOf(options);
  const reports = await readReports(options.report, host);
  if (reports === null) return EXIT.failed;
  const found = recommend(question, reports, await advisablePlans());
  host.out.write(
    options.json === true
      ? `${JSON.stringify(recommendationJson(question, found))}\n`
      : formatRecommendation(question, found),
  );
  return found.kind === "answered" ? EXIT.ok : EXIT_NOT_MEASURED;
}

function questionOf(options: RecommendOptions): Question {
  return {
    ...OPEN_QUESTION,
    payloadBytes: options.payload ?? null,
    ratePerSecond: options.rate ?? null,
    lossShare: options.loss ?? null,
    network: options.network ?? null,
    fanOut: options.fanOut ?? null,
    tls: options.tls ?? null,
    need: options.need ?? null,
    browser: options.browser,
    prefer: options.prefer,
    maxLatencyNs: options.maxLatency === undefined ? null : options.maxLatency * 1e6,
    ingress: options.publish ?? null,
    egress: options.read ?? null,
  };
}

/** `null` when one that was named cannot be read; one that was only found is passed over, and said. */
async function readReports(
  named: readonly string[],
  host: CliHost,
): Promise<readonly SourcedReport[] | null> {
  const complain = (source: string, cause: unknown): void => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    host.err.write(`tributary recommend: ${visibleText(`${source}: ${reason}`)}\n`);
  };
  if (named.length === 0) {
    const { reports, unusable } = await findReports(REPORTS);
    for (const { source, cause } of unusable) complain(source, cause);
    return reports;
  }
  const reports: SourcedReport[] = [];
  for (const source of named) {
    try {
      reports.push({ source, result: await readReport(source) });
    } catch (cause) {
      complain(source, cause);
      return null;
    }
  }
  return reports;
}

function parseCount(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError("It must be a whole number, at least 1.");
}

function parseNumber(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("It must be a number above 0.");
}

function parsePercent(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text.replace(/\s*%$/, ""));
  if (value >= 0 && value <= 100) return value / 100;
  throw new InvalidArgumentError("It must be from 0 to 100, as 3 or 3%.");
}
