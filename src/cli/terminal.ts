import type { LogSink } from "../telemetry/logger.ts";
import type { ListenAddress } from "../transport/transport.ts";
import type { Output } from "./host.ts";

/** Turns JSON log lines into lines for a person: time, level, message, fields. */
export function terminalSink(out: Output): LogSink {
  return { write: (line) => out.write(`${humanLine(line)}\n`) };
}

function humanLine(line: string): string {
  const entry: unknown = JSON.parse(line);
  if (typeof entry !== "object" || entry === null) return line.trimEnd();
  const { time, level, msg, ...fields } = Object.fromEntries(Object.entries(entry));
  const clock = typeof time === "string" ? time.slice(11, 23) : "";
  const facts = Object.entries(fields).map(([name, value]) => `${name}=${plain(value)}`);
  return [clock, String(level).padEnd(5), msg, ...facts].join(" ");
}

function plain(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return "message" in value ? JSON.stringify(value.message) : JSON.stringify(value);
}

/** Where clients connect, one transport a line. */
export function addressTable(addresses: readonly ListenAddress[]): string {
  const width = Math.max(...addresses.map(({ transport }) => transport.length));
  const lines = addresses.map(({ transport, url }) => `  ${transport.padEnd(width)}  ${url}\n`);
  return `\nTributary is ready. Ctrl-C ends it.\n${lines.join("")}\n`;
}
