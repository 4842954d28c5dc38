import { Command, CommanderError } from "commander";
import { ConfigError, formatProblem } from "../config/problem.ts";
import { readVersion } from "../version.ts";
import { certCommand } from "./cert.ts";
import { checkConfigCommand } from "./check-config.ts";
import { compareCommand } from "./compare.ts";
import { type CliHost, EXIT } from "./host.ts";
import { pubCommand } from "./pub.ts";
import { recommendCommand } from "./recommend.ts";
import { serveCommand } from "./serve.ts";
import { simulateCommand } from "./simulate.ts";
import { subCommand } from "./sub.ts";
import { traceCommand } from "./trace.ts";
import { UsageError } from "./usage-error.ts";

/** Every command, in the order of the help. A new command is one file and one line here. */
const COMMANDS: readonly ((host: CliHost) => Command)[] = [
  serveCommand,
  pubCommand,
  subCommand,
  traceCommand,
  simulateCommand,
  compareCommand,
  recommendCommand,
  checkConfigCommand,
  certCommand,
];

/**
 * Runs a command line (without the names of node and script). Resolves with the exit code; what went
 * wrong has been written to the host's `err` by then.
 */
export async function runCommandLine(args: readonly string[], host: CliHost): Promise<number> {
  try {
    const program = buildProgram(host, readVersion());
    await program.parseAsync(args, { from: "user" });
    return host.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof ConfigError) {
      const count = error.problems.length;
      const heading = count === 1 ? "1 problem" : `${count} problems`;
      const lines = error.problems.map((problem) => `  ${formatProblem(problem)}\n`);
      host.err.write(`tributary: ${heading} with the settings\n${lines.join("")}`);
      return EXIT.config;
    }
    if (error instanceof UsageError) {
      host.err.write(`tributary: ${error.message}\n`);
      return EXIT.usage;
    }
    host.err.write(`tributary: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.failed;
  }
}

function buildProgram(host: CliHost, version: string): Command {
  const program = new Command("tributary")
    .description(
      "MQTT devices, WebSocket pages, HTTP pollers and raw sockets exchange messages over one bus.",
    )
    .version(version, "--version", "print the version")
    .helpOption("--help", "print this, or the help of a command")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => host.out.write(text),
      writeErr: (text) => host.err.write(text),
    })
    .showHelpAfterError("(--help lists commands and options)")
    .addHelpText("after", EXAMPLES);
  for (const build of COMMANDS) {
    const command = build(host);
    // A command that is added keeps its own settings unless it is told to take these.
    command.copyInheritedSettings(program);
    command.helpOption("--help", "print this");
    program.addCommand(command);
  }
  return program;
}

const EXAMPLES = `
Examples:
  tributary serve                            run the gateway on 127.0.0.1 with the defaults
  mosquitto_sub -t 'plant/#' -v              read with MQTT …
  curl -N -G http://127.0.0.1:8080/v1/stream --data-urlencode 'filter=plant/#'
                                             … or as an event stream over HTTP
  curl -d 21.5 http://127.0.0.1:8080/v1/topics/plant/1/temperature
                                             publish with HTTP; every reader gets it

Exit codes: 0 done, 1 failed, 64 wrong command line, 70 defect, 78 wrong settings.`;
