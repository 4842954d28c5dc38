import type { Clock } from "../../../bus/clock.ts";

/** A connection whose client has promised to be heard from. */
export interface KeptAlive {
  /** When its last packet came: milliseconds since the Unix epoch. */
  readonly heardAt: number;
  /** Silence after which it is closed; `Infinity` when it promised nothing. */
  readonly maxSilenceMs: number;
  /** The client has been silent for longer [MQTT-3.1.2-22]. */
  silent(): void;
}

/**
 * Four times a second: the shortest promise is 1 s, with 1.5 s of patience. Looking at 10,000
 * connections takes 0.1 ms; a timer for each would cost their packets more than that.
 */
const TICK_MS = 250;

/** Watches over the keep-alive of every connection of an engine, with one timer. */
export class KeepAlives {
  readonly #clock: Clock;
  readonly #watched = new Set<KeptAlive>();
  #timer: NodeJS.Timeout | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(connection: KeptAlive): void {
    if (connection.maxSilenceMs === Number.POSITIVE_INFINITY) return;
    this.#watched.add(connection);
    this.#timer ??= setInterval(() => this.#look(), TICK_MS).unref();
  }

  remove(connection: KeptAlive): void {
    this.#watched.delete(connection);
    if (this.#watched.size === 0) this.stop();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    const now = this.#clock.now();
    for (const each of this.#watched) {
      if (now - each.heardAt > each.maxSilenceMs) each.silent();
    }
  }
}
