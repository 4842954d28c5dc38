import { type Logger as PinoLogger, pino } from "pino";
import { type AdjustableLevel, LOG_LEVELS, type LogLevel } from "./log-level.ts";

/** Facts of one log line. Names come from the vocabulary; payloads and credentials never go in. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where lifecycle events are reported: one line each, none per message. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  /** An `error` field that is an Error is written with its type, message, stack and cause. */
  error(message: string, fields?: LogFields): void;
  /** A logger that adds the fields to each of its lines. */
  child(fields: LogFields): Logger;
}

/** Where lines go: one call per line, newline included. */
export interface LogSink {
  write(line: string): void;
}

/** What never reaches a line, should a caller pass it by mistake. */
const SECRET_FIELDS = ["payload", "password", "token", "authorization"];

/**
 * A logger that writes JSON lines: `level` as text, `time` in ISO 8601, `msg`, then the fields.
 * Lines leave at once, so that the last one before an exit is not lost.
 */
export function createLogger(level: LogLevel, sink?: LogSink): Logger & AdjustableLevel {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: pino.stdSerializers.errWithCause },
    redact: { paths: SECRET_FIELDS, censor: "[redacted]" },
  };
  const destination =
    sink === undefined
      ? pino.destination({ fd: 1, sync: true })
      : { write: (line: string) => sink.write(line) };
  return new PinoAdapter(pino(options, destination));
}

/** Drops every line; for tests and for parts built without a gateway. */
export const SILENT_LOGGER: Logger = Object.freeze({
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => SILENT_LOGGER,
});

class PinoAdapter implements Logger, AdjustableLevel {
  readonly #pino: PinoLogger;
  /** Kept here, as a child of pino's has a level of its own that does not follow its parent's. */
  readonly #fields: LogFields;

  constructor(logger: PinoLogger, fields: LogFields = {}) {
    this.#pino = logger;
    this.#fields = fields;
  }

  get level(): LogLevel {
    return LOG_LEVELS.find((level) => level === this.#pino.level) ?? "info";
  }

  set level(level: LogLevel) {
    this.#pino.level = level;
  }

  debug(message: string, fields?: LogFields): void {
    this.#pino.debug({ ...this.#fields, ...fields }, message);
  }

  info(message: string, fields?: LogFields): void {
    this.#pino.info({ ...this.#fields, ...fields }, message);
  }

  warn(message: string, fields?: LogFields): void {
    this.#pino.warn({ ...this.#fields, ...fields }, message);
  }

  error(message: string, fields?: LogFields): void {
    this.#pino.error({ ...this.#fields, ...fields }, message);
  }

  child(fields: LogFields): Logger {
    return new PinoAdapter(this.#pino, { ...this.#fields, ...fields });
  }
}
