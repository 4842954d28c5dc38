#!/usr/bin/env node
import type { CliHost, EndSignal, Output } from "./cli/host.ts";
import { runCommandLine } from "./cli/program.ts";

const host: CliHost = {
  out: outputOf(process.stdout),
  err: outputOf(process.stderr),
  input: process.stdin,
  env: process.env,
  exitCode: 0,
  onEndSignal: (listener) => {
    const onSignal = (signal: EndSignal): void => listener(signal);
    process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
    return () => process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  },
  onReloadSignal: (listener) => {
    process.on("SIGHUP", listener);
    return () => process.off("SIGHUP", listener);
  },
  onLogLevelSignal: (listener) => {
    process.on("SIGUSR2", listener);
    return () => process.off("SIGUSR2", listener);
  },
  onDefect: (listener) => {
    process.on("uncaughtException", listener);
    return () => process.off("uncaughtException", listener);
  },
};

const code = await runCommandLine(process.argv.slice(2), host);
// What is still on its way to a pipe would be cut off by the exit.
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
process.exit(code);

function outputOf(stream: NodeJS.WriteStream): Output {
  // A reader that goes away (`| head`) is no reason to fail: what is left has nobody to go to.
  stream.on("error", () => undefined);
  return {
    isTerminal: stream.isTTY === true,
    write: (data) => void stream.write(data),
    onClosed: (listener) => void stream.once("error", listener),
  };
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) resolve();
    else stream.write("", () => resolve());
  });
}
