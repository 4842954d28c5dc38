import { InvalidArgumentError } from "commander";
import { type CliHost, EXIT } from "./host.ts";

/** As `mosquitto_sub -W` ends, so that scripts need not be changed. */
const EXIT_TIMED_OUT = 27;
/** Longest wait a timer can hold, in seconds: 2^31 − 1 ms. */
const MAX_TIMEOUT_SECONDS = 2_147_483;

/** Whatever ends the reading first decides the exit code. */
export class ReadingEnd {
  readonly code: Promise<number>;
  end: (code: number) => void = () => undefined;
  readonly #timer: NodeJS.Timeout | null;
  readonly #stopListening: () => void;

  constructor(host: CliHost, timeoutSeconds: number | undefined) {
    this.code = new Promise((resolve) => {
      this.end = resolve;
    });
    this.#timer =
      timeoutSeconds === undefined
        ? null
        : setTimeout(() => this.end(EXIT_TIMED_OUT), timeoutSeconds * 1_000);
    this.#stopListening = host.onEndSignal((signal) => this.end(EXIT.interrupted[signal]));
    host.out.onClosed(() => this.end(EXIT.ok));
  }

  release(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#stopListening();
  }
}

/** A count of 1 or more. */
export function parsePositive(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError("a whole number of 1 or more is needed.");
}

/** A wait in seconds. */
export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS) return seconds;
  throw new InvalidArgumentError(`seconds above 0 and up to ${MAX_TIMEOUT_SECONDS} are needed.`);
}
