import type { Logger } from "./logger.ts";

/** Levels, from the fewest lines to the most. */
export const LOG_LEVELS = ["silent", "fatal", "error", "warn", "info", "debug", "trace"] as const;

/** The least severe lines that are written. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A logger's level, which holds for its children, too. */
export interface AdjustableLevel {
  level: LogLevel;
}

/** Changes how much is logged while the process runs, and logs that it did. */
export class LogLevelSwitch {
  readonly levels = LOG_LEVELS;
  readonly #logger: Logger;
  readonly #adjustable: AdjustableLevel;
  /** The level of the settings. */
  readonly #configured: LogLevel;

  constructor(logger: Logger, adjustable: AdjustableLevel) {
    this.#logger = logger;
    this.#adjustable = adjustable;
    this.#configured = adjustable.level;
  }

  get level(): LogLevel {
    return this.#adjustable.level;
  }

  /** `by` says who asked, such as `http`. The line is written at the more verbose of both levels. */
  change(level: LogLevel, by: string): void {
    const from = this.level;
    if (from === level) return;
    const isMore = LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(from);
    if (isMore) this.#adjustable.level = level;
    this.#logger.info("log level changed", { from, to: level, by });
    this.#adjustable.level = level;
  }

  /** To `debug`, and from there back to the level of the settings. */
  toggle(by: string): void {
    this.change(this.level === "debug" ? this.#configured : "debug", by);
  }
}
