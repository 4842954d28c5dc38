import { Socket } from "node:net";
import { Alarm } from "./alarm.ts";
import type { NetworkProfile } from "./network-profile.ts";
import { ShapedPipe } from "./shaped-pipe.ts";

/** The way from the client to the gateway, or the way back. */
export type Direction = "up" | "down";

/** Where the proxy leads. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

export interface ConnectionParts {
  readonly client: Socket;
  readonly target: Place;
  readonly profile: NetworkProfile;
  readonly seed: number;
  readonly onBytes: (direction: Direction, count: number) => void;
  /** The translator has forgotten this connection and bytes came for it. */
  readonly onForgotten: () => void;
  /** Both ends are gone. */
  readonly onClosed: () => void;
}

/** One connection through the proxy: two sockets and a pipe for each direction. */
export class ProxiedConnection {
  readonly #parts: ConnectionParts;
  readonly #client: Socket;
  readonly #server = new Socket({ allowHalfOpen: true });
  readonly #pipes: Readonly<Record<Direction, ShapedPipe>>;
  readonly #alarms: readonly Alarm[];
  #lastBytesMs = performance.now();
  #isForgotten = false;
  #isReset = false;
  #socketsLeft = 2;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    const { client, profile, seed } = parts;
    this.#client = client;
    // The two directions draw apart, and so do neighbours, whose seeds differ by one.
    const mixed = Math.imul(seed, 0x9e3779b1);
    this.#pipes = {
      up: new ShapedPipe(client, this.#server, profile.up, mixed),
      down: new ShapedPipe(this.#server, client, profile.down, ~mixed),
    };
    for (const socket of [client, this.#server]) socket.setNoDelay(true);
    this.#pipes.down.open();
    this.#listen("up", client);
    this.#listen("down", this.#server);
    client.pause();
    // The handshake of TCP: the client may send after one round trip; the gateway knows of the
    // connection half of one later, with the client's acknowledgement.
    const { up, down } = profile;
    const mayRead = new Alarm(() => client.resume());
    const mayConnect = new Alarm(() => this.#connect());
    this.#alarms = [mayRead, mayConnect];
    const now = performance.now();
    if (up.latencyMs + down.latencyMs === 0) {
      client.resume();
      this.#connect();
      return;
    }
    mayRead.set(now + up.latencyMs + down.latencyMs);
    mayConnect.set(now + 2 * up.latencyMs + down.latencyMs);
  }

  /** Ends it without a goodbye, towards both ends; bytes under way are lost. */
  reset(): void {
    this.#isReset = true;
    for (const alarm of this.#alarms) alarm.cancel();
    for (const pipe of Object.values(this.#pipes)) pipe.discard();
    this.#client.resetAndDestroy();
    // A socket that never began has nothing to reset.
    if (this.#server.pending && !this.#server.connecting) this.#server.destroy();
    else this.#server.resetAndDestroy();
  }

  /** Drops in silence whatever is sent in this direction from now on, a goodbye included. */
  silence(direction: Direction): void {
    this.#pipes[direction].silence();
  }

  /** Nothing passes in this direction before `untilMs` of `performance.now`. */
  stallUntil(direction: Direction, untilMs: number): void {
    this.#pipes[direction].stallUntil(untilMs);
  }

  #connect(): void {
    if (this.#isReset) return;
    this.#server.connect({ ...this.#parts.target, noDelay: true }, () => this.#pipes.up.open());
  }

  #listen(direction: Direction, source: Socket): void {
    const pipe = this.#pipes[direction];
    let hasEnded = false;
    source.on("data", (chunk: Buffer) => {
      this.#parts.onBytes(direction, chunk.length);
      if (this.#passesTranslator(source)) pipe.take(chunk);
    });
    source.on("end", () => {
      hasEnded = true;
      pipe.finish("end");
    });
    // Resets are what this proxy is for; the close that follows passes them on.
    source.on("error", () => undefined);
    source.on("close", () => {
      if (!hasEnded && !this.#isReset) pipe.finish("reset");
      this.#socketsLeft -= 1;
      if (this.#socketsLeft === 0) this.#parts.onClosed();
    });
  }

  /** Whether the translator still knows the connection; tells it that somebody spoke. */
  #passesTranslator(source: Socket): boolean {
    const { nat } = this.#parts.profile;
    if (nat === null) return true;
    const now = performance.now();
    if (!this.#isForgotten && now - this.#lastBytesMs <= nat.idleMs) {
      this.#lastBytesMs = now;
      return true;
    }
    if (!this.#isForgotten) {
      this.#isForgotten = true;
      this.silence("up");
      this.silence("down");
      this.#parts.onForgotten();
    }
    if (nat.forgotten === "reset") source.resetAndDestroy();
    return false;
  }
}
