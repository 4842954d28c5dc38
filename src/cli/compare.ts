import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { nodeTlsOptions } from "../client/node-tls.ts";
import type { Targets } from "../compare/driver/driver.ts";
import { GatewayProcess } from "../compare/gateway-process.ts";
import { loadPlan, PlanError } from "../compare/plan.ts";
import { type PlanPoint, planPoints } from "../compare/plan-points.ts";
import { unsupported } from "../compare/plan-support.ts";
import { buildReport, formatReport } from "../compare/report.ts";
import { type Progress, runPlan } from "../compare/runner.ts";
import { PROXY_HELP, readProxy } from "./endpoint.ts";
import { type CliHost, EXIT } from "./host.ts";
import { bar, ProgressLine } from "./progress-line.ts";
import {
  addTlsOptions,
  readTlsOptions,
  type TlsOptions,
  wantsTls,
  warnIfInsecure,
} from "./tls-options.ts";
import { UsageError } from "./usage-error.ts";

interface CompareOptions extends TlsOptions {
  readonly plan: string;
  readonly out?: string;
  readonly target?: string;
  readonly mqtt?: string;
  readonly ws?: string;
  readonly tcp?: string;
  readonly proxy?: string;
}

/** The numbers of the run mean nothing; the reasons have been printed. */
const EXIT_VOID = 3;

/** `tributary compare`: the same messages over every transport, measured side by side. */
export function compareCommand(host: CliHost): Command {
  const command = new Command("compare")
    .summary("measure every transport against every other")
    .description(
      "Publishes stamped messages by every ingress to a reader on every egress, and prints the latency\nof each pair from the intended send time. Starts a gateway of its own unless --target names one.",
    )
    .option("--plan <name|file>", "what to run: a shipped plan, or a YAML file", "smoke")
    .option("--out <dir>", "write report.json there")
    .option("--target <url>", "HTTP address of a running gateway")
    .option("--mqtt <url>", "its MQTT address (with --target; else port 1883 of its host)")
    .option("--ws <url>", "its WebSocket address (with --target; else /ws of its HTTP address)")
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
  tributary compare --plan smoke --out report
  tributary compare --target http://127.0.0.1:8080 --mqtt mqtt://127.0.0.1:1883
  tributary compare --target https://localhost:8443 --ca certs/ca.pem

Run it on a quiet machine, on the same host as the gateway: both ends must share one clock.

Exit codes: 0 measured, 1 failed, 3 the run is void, 64 wrong command line, 130 Ctrl-C, 143 SIGTERM.`;

async function compare(options: CompareOptions, host: CliHost): Promise<number> {
  let plan: PlanPoint;
  try {
    plan = await onlyPoint(options.plan);
  } catch (cause) {
    if (!(cause instanceof PlanError)) throw cause;
    host.err.write(`tributary compare: ${cause.message}\n`);
    return EXIT.usage;
  }
  if (options.target === undefined && (options.mqtt ?? options.ws ?? options.tcp) !== undefined) {
    host.err.write("tributary compare: --mqtt, --ws and --tcp go with --target\n");
    return EXIT.usage;
  }
  if (options.target === undefined && wantsTls(options)) {
    host.err.write("tributary compare: the options of TLS go with --target\n");
    return EXIT.usage;
  }
  if (options.target === undefined && options.proxy !== undefined) {
    host.err.write("tributary compare: --proxy goes with --target\n");
    return EXIT.usage;
  }
  readProxy(options.proxy);
  const targets = options.target === undefined ? null : targetsOf(options.target, options);
  warnIfInsecure(options, host.err);
  const abort = new AbortController();
  let interruption: number | null = null;
  const stopListening = host.onEndSignal((signal) => {
    interruption = EXIT.interrupted[signal];
    abort.abort(new Error(`ended by ${signal}`));
  });
  const line = new ProgressLine(host.err);
  line.show("starting a gateway");
  // Loaded here: the client libraries would slow every other command down.
  const { createDrivers } = await import("../compare/driver/drivers.ts");
  const gateway =
    targets === null ? await GatewayProcess.start() : { targets, stop: async () => undefined };
  try {
    const result = await runPlan(plan, {
      targets: gateway.targets,
      drivers: createDrivers(plan.plainPollIntervalMs),
      signal: abort.signal,
      onProgress: (progress) => line.show(describe(plan, progress)),
    });
    line.clear();
    const report = buildReport(result);
    host.out.write(formatReport(report));
    if (options.out !== undefined) {
      await mkdir(options.out, { recursive: true });
      const file = join(options.out, "report.json");
      await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
      host.err.write(`${file} written\n`);
    }
    return report.verdict === "valid" ? EXIT.ok : EXIT_VOID;
  } catch (cause) {
    if (interruption !== null) return interruption;
    host.err.write(
      `tributary compare: ${cause instanceof Error ? cause.message : String(cause)}\n`,
    );
    return EXIT.failed;
  } finally {
    line.clear();
    stopListening();
    await gateway.stop();
  }
}

/** What can be run of a plan; throws {@link PlanError} for what cannot be run as it says. */
async function onlyPoint(nameOrFile: string): Promise<PlanPoint> {
  const points = planPoints(await loadPlan(nameOrFile));
  const [point] = points;
  if (point === undefined || points.length > 1) {
    throw new PlanError(nameOrFile, ["a sweep cannot be run yet"]);
  }
  const problems = unsupported(point);
  if (problems.length > 0) throw new PlanError(nameOrFile, problems);
  return point;
}

function describe(plan: PlanPoint, { phase, share, secondsLeft }: Progress): string {
  return `${plan.name} ${bar(share)} ${phase}, ${Math.ceil(secondsLeft)} s left`;
}

/** What is not given is what the target's host offers by default, by TLS where the target does. */
function targetsOf(target: string, options: CompareOptions): Targets {
  const httpUrl = target.replace(/\/+$/, "");
  const { hostname, protocol } = new URL(httpUrl);
  const isSecure = protocol === "https:";
  if (wantsTls(options) && !isSecure) {
    throw new UsageError(`${target} is no address of TLS; one begins with https`);
  }
  const websocketUrl = options.ws ?? `${httpUrl.replace(/^http/, "ws")}/ws`;
  const [mqtt, tcp] = isSecure
    ? [`mqtts://${hostname}:8883`, `tls://${hostname}:7084`]
    : [`mqtt://${hostname}:1883`, `tcp://${hostname}:7083`];
  return {
    httpUrl,
    websocketUrl,
    mqttWebsocketUrl: websocketUrl.replace(/\/ws$/, "/mqtt"),
    mqttUrl: options.mqtt ?? mqtt,
    tcpUrl: options.tcp ?? tcp,
    tls: nodeTlsOptions(readTlsOptions(options)),
    ...(options.proxy === undefined ? {} : { proxyUrl: options.proxy }),
  };
}
