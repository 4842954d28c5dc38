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

/** Text that is more than a word is quoted, so that what a peer sent cannot steer the terminal. */
function plain(value: unknown): string {
  if (typeof value === "string") return /^[\w.:/@+-]+$/.test(value) ? value : quoted(value);
  if (typeof value !== "object" || value === null) return String(value);
  return quoted("message" in value ? value.message : value);
}

/** JSON, which escapes control characters below U+0020; the others are escaped here. */
function quoted(value: unknown): string {
  return (JSON.stringify(value) ?? "").replaceAll(
    /[\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Where clients connect, one transport a line. */
export function addressTable(addresses: readonly ListenAddress[]): string {
  const width = Math.max(...addresses.map(({ transport }) => transport.length));
  const lines = addresses.map(({ transport, url }) => `  ${transport.padEnd(width)}  ${url}\n`);
  return `\nTributary is ready. Ctrl-C ends it.\n${lines.join("")}\n`;
}
