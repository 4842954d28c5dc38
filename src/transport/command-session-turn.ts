import type { CommandGate } from "./command-session-gate.ts";

/**
 * Bytes of one client's commands that are handled before others have their turn. libuv may read 2 MiB
 * from a socket before anything is written; readers' queues would have to hold all that.
 */
const SHARE_OF_A_TURN = 65_536;

/** One client's share of a turn of the event loop. */
export class TurnShare {
  readonly #gate: CommandGate;
  /** Bytes taken in since the client last gave its turn away. */
  #taken = 0;

  constructor(gate: CommandGate) {
    this.#gate = gate;
  }

  /**
   * The client has had `bytes` of its commands taken in. Past its share, what has been taken in may
   * leave, and others be read, before its next commands.
   */
  took(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken < SHARE_OF_A_TURN) return;
    this.#taken = 0;
    this.#gate.hold("turn");
    setImmediate(() => this.#gate.release("turn"));
  }
}
