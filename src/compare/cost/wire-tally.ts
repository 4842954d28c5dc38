import type { WireCause } from "../comparison-result.ts";

/** From the client to the gateway, or back. */
export type Direction = "up" | "down";

/** Bytes by cause. */
export type CauseBytes = Readonly<Record<WireCause, number>>;

export const NO_BYTES = {
  handshake: 0,
  framing: 0,
  envelope: 0,
  payload: 0,
  acknowledgement: 0,
  keepAlive: 0,
} satisfies CauseBytes;

/** What has passed a place between a client and the gateway. */
export interface WireCount {
  readonly bytes: CauseBytes;
  readonly up: number;
  readonly down: number;
  readonly connections: number;
  readonly requests: number;
}

/** Counts what passes: every byte by its direction as it comes, and by its cause once that is known. */
export class WireTally {
  readonly #bytes: Record<WireCause, number> = { ...NO_BYTES };
  readonly #keepAliveAt: number[] = [];
  #up = 0;
  #down = 0;
  #connections = 0;
  #requests = 0;

  addConnection(): void {
    this.#connections += 1;
  }

  addRequest(): void {
    this.#requests += 1;
  }

  /** Bytes as the socket carried them. */
  addRaw(direction: Direction, bytes: number): void {
    if (direction === "up") this.#up += bytes;
    else this.#down += bytes;
  }

  add(cause: WireCause, bytes: number): void {
    this.#bytes[cause] += bytes;
    if (cause === "keepAlive" && bytes > 0) this.#keepAliveAt.push(performance.now());
  }

  count(): WireCount {
    return {
      bytes: { ...this.#bytes },
      up: this.#up,
      down: this.#down,
      connections: this.#connections,
      requests: this.#requests,
    };
  }

  /** When bytes passed that only kept a connection, milliseconds of `performance.now()`. */
  get keepAliveTimes(): readonly number[] {
    return this.#keepAliveAt;
  }
}

/** What passed between two counts. */
export function countBetween(before: WireCount, after: WireCount): WireCount {
  return {
    bytes: {
      handshake: after.bytes.handshake - before.bytes.handshake,
      framing: after.bytes.framing - before.bytes.framing,
      envelope: after.bytes.envelope - before.bytes.envelope,
      payload: after.bytes.payload - before.bytes.payload,
      acknowledgement: after.bytes.acknowledgement - before.bytes.acknowledgement,
      keepAlive: after.bytes.keepAlive - before.bytes.keepAlive,
    },
    up: after.up - before.up,
    down: after.down - before.down,
    connections: after.connections - before.connections,
    requests: after.requests - before.requests,
  };
}
