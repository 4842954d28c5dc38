import { Command } from "commander";
import type { Gateway } from "../gateway.ts";
import { createLogger, type Logger } from "../telemetry/logger.ts";
import { addConfigOptions, loadFromOptions } from "./config-options.ts";
import { type CliHost, type EndSignal, EXIT } from "./host.ts";
import { addressTable, terminalSink } from "./terminal.ts";

/** `tributary serve`: runs the gateway until a signal ends it. */
export function serveCommand(host: CliHost): Command {
  const command = new Command("serve")
    .summary("run the gateway")
    .description(
      "Runs the gateway until SIGTERM or SIGINT, which drains it: new work is refused, what is queued is delivered.\nA second signal ends it at once. SIGHUP has it read its certificates again. SIGUSR2 turns debug lines on and off.",
    )
    .addHelpText(
      "after",
      `
Examples:
  tributary serve
  tributary serve --config site.yaml --http-port 9000
  TRIBUTARY_LOGGING_LEVEL=debug tributary serve --set limits.queue.maxMessages=1000

Any setting can be given in the file, as TRIBUTARY_… in the environment, or with --set;
tributary check-config --defaults lists them.`,
    );
  return addConfigOptions(command).action(async () => {
    const { config, origins } = await loadFromOptions(command, host);
    const sink = host.out.isTerminal ? terminalSink(host.out) : undefined;
    const logger = createLogger(config.logging.level, sink);
    // Loaded here, so that the other commands start without the server's libraries.
    const { createGateway } = await import("../gateway.ts");
    // Where settings come from, not what they are: some are nobody's business.
    logger.info("config", { given: Object.fromEntries(origins) });
    const gateway = createGateway(config, logger, { logLevel: logger });
    host.exitCode = await runUntilEnded(gateway, logger, host, config.drain.timeoutMs);
  });
}

/** Starts the gateway, waits for what ends it, and resolves with the exit code once it is stopped. */
async function runUntilEnded(
  gateway: Gateway,
  logger: Logger,
  host: CliHost,
  drainTimeoutMs: number,
): Promise<number> {
  const ending = new Ending(logger, host);
  // A terminal sends this signal when it goes away, and then its command is to go, too.
  const stopReloading = host.out.isTerminal
    ? () => undefined
    : host.onReloadSignal(() => {
        logger.info("signal", { signal: "SIGHUP" });
        void gateway.reload();
      });
  const stopSwitching = host.onLogLevelSignal(() => gateway.logLevel.toggle("SIGUSR2"));
  try {
    const addresses = await gateway.start();
    if (host.out.isTerminal) host.out.write(addressTable(addresses));
    if ((await ending.first) === "defect") return EXIT.defect;
    const cut = await Promise.race([gateway.drain(drainTimeoutMs), ending.second]);
    if (cut === "defect") return EXIT.defect;
    return cut === undefined ? EXIT.ok : EXIT.interrupted[cut];
  } finally {
    await gateway.stop();
    ending.stop();
    stopReloading();
    stopSwitching();
  }
}

type EndCause = EndSignal | "defect";

/** What asks the gateway to end: signals, and a defect nobody caught. */
class Ending {
  readonly first: Promise<EndCause>;
  readonly second: Promise<EndCause>;
  readonly #release: readonly (() => void)[];

  constructor(logger: Logger, host: CliHost) {
    const waiting: ((cause: EndCause) => void)[] = [];
    this.first = new Promise((resolve) => waiting.push(resolve));
    this.second = new Promise((resolve) => waiting.push(resolve));
    const tell = (cause: EndCause): void => waiting.shift()?.(cause);
    this.#release = [
      host.onEndSignal((signal) => {
        logger.info("signal", { signal });
        tell(signal);
      }),
      host.onDefect((error) => {
        logger.error("defect", { error });
        tell("defect");
      }),
    ];
  }

  stop(): void {
    for (const release of this.#release) release();
  }
}
