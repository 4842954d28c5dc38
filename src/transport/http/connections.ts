import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TransportContext } from "../transport.ts";
import { Connection } from "./connection.ts";

/**
 * Connections over the limit that are still answered with the refusal before they are closed; past
 * these they are closed unanswered. Each costs a few KiB until its headers' deadline.
 */
export const REFUSED_AT_ONCE = 64;

/** Every connection of the listener, those that became WebSockets included. */
export class Connections {
  readonly #context: TransportContext;
  readonly #max: number;
  readonly #open = new Map<Duplex, Connection>();
  #upgraded = 0;
  /** Each asks whether what it waits for has come. */
  readonly #waiting = new Set<() => void>();

  constructor(context: TransportContext, max: number) {
    this.#context = context;
    this.#max = max;
  }

  /** Connections that still speak HTTP. */
  get httpCount(): number {
    return this.#open.size - this.#upgraded;
  }

  /** Takes a new socket in, or destroys it when too many wait for their refusal already. */
  add(socket: Socket): void {
    // A request that is read again announces its connection again.
    if (this.#open.has(socket)) return;
    const isOverLimit = this.#open.size >= this.#max;
    if (this.#open.size >= this.#max + REFUSED_AT_ONCE) {
      socket.destroy();
      return;
    }
    const connection = new Connection(socket, isOverLimit, this.#context);
    this.#open.set(socket, connection);
    // What went wrong with a socket ends in its close, which is counted below.
    socket.on("error", () => undefined);
    socket.once("close", () => {
      this.#open.delete(socket);
      if (connection.isUpgraded) this.#upgraded -= 1;
      connection.closed();
      this.#changed();
    });
  }

  /** `undefined` once the socket has closed: then nothing can be answered on it. */
  of(socket: Duplex): Connection | undefined {
    return this.#open.get(socket);
  }

  /** Notes that the connection is no longer HTTP's. */
  upgraded(connection: Connection): void {
    if (connection.isUpgraded) return;
    connection.isUpgraded = true;
    this.#upgraded += 1;
    this.#changed();
  }

  /** Resolves when no connection speaks HTTP any more. */
  whenHttpEnds(): Promise<void> {
    return this.#when(() => this.httpCount === 0);
  }

  /** Resolves when no connection is left, and what belonged to each is released. */
  whenAllEnd(): Promise<void> {
    return this.#when(() => this.#open.size === 0);
  }

  #when(hasCome: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!hasCome()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  #changed(): void {
    for (const check of [...this.#waiting]) check();
  }

  /** Closes those on which nothing has been asked yet. */
  destroySilent(): void {
    for (const connection of [...this.#open.values()]) {
      if (connection.latest === null && !connection.isUpgraded) connection.socket.destroy();
    }
  }

  destroyAll(): void {
    for (const socket of [...this.#open.keys()]) socket.destroy();
  }
}
