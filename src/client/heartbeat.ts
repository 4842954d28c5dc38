/**
 * Notices a peer that is gone without a word. RFC 6455 pings are invisible to a page, so the client
 * asks by a `ping` frame whenever a whole period brought nothing, and gives up after the next.
 */
export class Heartbeat {
  readonly #ping: () => void;
  readonly #lost: () => void;
  #timer: ReturnType<typeof setInterval> | null = null;
  #heard = false;
  #silentPeriods = 0;

  constructor(ping: () => void, lost: () => void) {
    this.#ping = ping;
    this.#lost = lost;
  }

  start(periodMs: number): void {
    this.stop();
    this.#heard = true;
    this.#timer = setInterval(() => this.#beat(), periodMs);
  }

  /** Something arrived. */
  hear(): void {
    this.#heard = true;
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#silentPeriods = 0;
  }

  #beat(): void {
    if (this.#heard) {
      this.#heard = false;
      this.#silentPeriods = 0;
      return;
    }
    this.#silentPeriods += 1;
    if (this.#silentPeriods === 1) this.#ping();
    else this.#lost();
  }
}
