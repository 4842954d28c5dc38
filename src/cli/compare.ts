import { cpus } from "node:os";
import { Command } from "commander";
import { parse } from "yaml";
import { hostLedger } from "../compare/ledger-host.ts";
import { loadPlan, type Plan, PlanError, type PlanOverrides } from "../compare/plan.ts";
import { planPoints } from "../compare/plan-points.ts";
import { unsupported } from "../compare/plan-support.ts";
import { readReport } from "../compare/report/report-files.ts";
import { visibleText } from "../compare/report/visible-text.ts";
import { type PresentOptions, presentComparison } from "./compare-output.ts";
import { CompareProgress } from "./compare-progress.ts";
import { type GatewaySource, gatewaySource } from "./compare-target.ts";
import { PROXY_HELP, readProxy } from "./endpoint.ts";
import { type CliHost, EXIT } from "./host.ts";
import { addTlsOptions, type TlsOptions, wantsTls, warnIfInsecure } from "./tls-options.ts";
import { UsageError } from "./usage-error.ts";

/** What the command line said. */
export interface CompareOptions extends TlsOptions {
  readonly plan: string;
  readonly out?: string;
  readonly target?: string;
  readonly mqtt?: string;
  readonly ws?: string;
  readonly tcp?: string;
  readonly proxy?: string;
  readonly baseline?: string;
  readonly set: readonly string[];
}

/** `tributary compare`: the same messages over every transport, measured side by side. */
export function compareCommand(host: CliHost): Command {
  const command = new Command("compare")
    .summary("measure every transport against every other")
    .description(
      "Publishes stamped messages by every ingress to a reader on every egress, in interleaved blocks, and\nprints a verdict with its uncertainty, the latency of each pair from the intended send time, what\nreaders and publishers differ by, and what messages cost. Starts a gateway of its own unless\n--target names one. With --mqtt or --ws alone it measures any broker.",
    )
    .option("--plan <name|file>", "what to run: a shipped plan, or a YAML file", "headline")
    .option("--set <field=value>", "replace a field of the plan; repeatable", collect, [])
    .option("--out <dir>", "write report.json and report.html there")
    .option("--baseline <file>", "an earlier report.json: say what changed beyond noise")
    .option("--target <url>", "HTTP address of a running gateway")
    .option("--mqtt <url>", "MQTT address (with --target, else port 1883 of its host)")
    .option("--ws <url>", "WebSocket address (with --target, else /ws of its HTTP address)")
    .option("--tcp <url>", "its raw TCP address (with --target; else port 7083 of its host)")
    .option("--proxy <url>", PROXY_HELP);
  addTlsOptions(command);
  return command.addHelpText("after", EXAMPLES).action(async () => {
    host.exitCode = await compare(command.opts<CompareOptions>(), host);
  });
}

const EXAMPLES = `
Examples:
  tributary compare
  tributary compare --plan smoke --out reports/smoke
  tributary compare --plan payload-sweep --set ratePerSecond=20
  tributary compare --plan headline --out reports/after --baseline reports/before
  tributary compare --target http://127.0.0.1:8080 --mqtt mqtt://127.0.0.1:1883
  tributary compare --target https://localhost:8443 --ca certs/ca.pem
  tributary compare --mqtt mqtt://127.0.0.1:1883 --ws ws://127.0.0.1:9001

Run it on a quiet machine. Publishers and readers run on one host, and so share one clock.

Exit codes: 0 measured, 1 failed, 3 the run is void, 64 wrong command line, 130 Ctrl-C, 143 SIGTERM.`;

function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value];
}

async function compare(options: CompareOptions, host: CliHost): Promise<number> {
  const hasBroker = options.mqtt !== undefined || options.ws !== undefined;
  if (options.target === undefined && options.tcp !== undefined) {
    return usage(host, "--tcp goes with --target");
  }
  if (options.target === undefined && !hasBroker && wantsTls(options)) {
    return usage(host, "the options of TLS go with --target, --mqtt or --ws");
  }
  if (options.target === undefined && !hasBroker && options.proxy !== undefined) {
    return usage(host, "--proxy goes with --target, --mqtt or --ws");
  }
  readProxy(options.proxy);
  let plan: Plan;
  let source: GatewaySource;
  try {
    const loaded = await loadPlan(options.plan, overridesOf(options.set));
    source = gatewaySource(options, loaded);
    plan = source.plan;
    const problems = planPoints(plan).flatMap(unsupported);
    if (problems.length > 0) throw new PlanError(options.plan, problems);
  } catch (cause) {
    if (!(cause instanceof PlanError)) throw cause;
    return usage(host, cause.message);
  }
  warnIfInsecure(options, host.err);
  // Before the run: a path that is wrong must not cost one.
  const baseline = options.baseline === undefined ? null : await readReport(options.baseline);
  return run(plan, source, { out: options.out, baseline }, host);
}

async function run(
  plan: Plan,
  source: GatewaySource,
  options: PresentOptions,
  host: CliHost,
): Promise<number> {
  const abort = new AbortController();
  let interruption: number | null = null;
  const stopListening = host.onEndSignal((signal) => {
    interruption = EXIT.interrupted[signal];
    abort.abort(new Error(`ended by ${signal}`));
  });
  const progress = new CompareProgress(plan.name, host.err);
  // Loaded here: they would slow every other command down.
  const { startLoads } = await import("../compare/loads.ts");
  const { runPlan } = await import("../compare/runner.ts");
  try {
    const result = await runPlan(plan, {
      startGateway: (point) => source.start(point),
      startLoads: () => startLoads(cpus().length),
      facts: await hostLedger(),
      signal: abort.signal,
      onProgress: (each) => progress.show(each),
    });
    progress.end();
    return await presentComparison(result, options, host);
  } catch (cause) {
    progress.end();
    if (interruption !== null) return interruption;
    // A baseline is a file from anywhere, and its ledger is quoted when it does not fit.
    const reason = visibleText(cause instanceof Error ? cause.message : String(cause));
    host.err.write(`tributary compare: ${reason}\n`);
    return EXIT.failed;
  } finally {
    stopListening();
    await source.stop();
  }
}

/** `field=value` with the value in YAML, such as `payloadBytes=[64, 1000]`. */
function overridesOf(settings: readonly string[]): PlanOverrides {
  return Object.fromEntries(
    settings.map((setting): [string, unknown] => {
      const at = setting.indexOf("=");
      if (at <= 0) throw new UsageError(`--set ${setting} is not of the form field=value`);
      return [setting.slice(0, at), settingValue(setting.slice(at + 1))];
    }),
  );
}

/** A number that reads otherwise when written again, such as the version 5.0, is a text. */
function settingValue(text: string): unknown {
  const value: unknown = parse(text);
  return typeof value === "number" && String(value) !== text ? text : value;
}

function usage(host: CliHost, problem: string): number {
  host.err.write(`tributary compare: ${problem}\n`);
  return EXIT.usage;
}
