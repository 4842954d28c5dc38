import type { Cursor } from "../bus/cursor.ts";
import { GatewayError } from "../errors.ts";

/** Where the bus put an accepted message. */
export interface Accepted {
  readonly cursor: Cursor;
  readonly offset: number;
}

interface Pending {
  readonly frame: string | Uint8Array;
  readonly resolve: (accepted: Accepted) => void;
  readonly reject: (error: GatewayError) => void;
}

/** Publishes sent and not yet answered, in the order they were sent. Bounded. */
export class PendingPublishes {
  readonly #limit: number;
  readonly #byId = new Map<number, Pending>();
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get count(): number {
    return this.#byId.size;
  }

  /** Resolves with the answer. Throws `limit_exceeded` when too many are unanswered. */
  add(id: number, frame: string | Uint8Array): Promise<Accepted> {
    if (this.#byId.size >= this.#limit) {
      throw new GatewayError(
        "limit_exceeded",
        `${this.#byId.size} publishes are unanswered, which is the limit; await \`whenPublishable\``,
      );
    }
    return new Promise((resolve, reject) => {
      this.#byId.set(id, { frame, resolve, reject });
    });
  }

  /** Resolves as soon as another publish would be taken. */
  whenRoom(): Promise<void> {
    if (this.#byId.size < this.#limit) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  accept(id: unknown, accepted: Accepted): void {
    this.#take(id)?.resolve(accepted);
  }

  /** Whether the id named a pending publish. */
  refuse(id: unknown, error: GatewayError): boolean {
    const pending = this.#take(id);
    pending?.reject(error);
    return pending !== undefined;
  }

  /** Everything unanswered, to be sent again on a new connection in the same order. */
  frames(): (string | Uint8Array)[] {
    return [...this.#byId.values()].map(({ frame }) => frame);
  }

  /** No answer will come any more. */
  refuseAll(error: GatewayError): void {
    for (const id of [...this.#byId.keys()]) this.refuse(id, error);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #take(id: unknown): Pending | undefined {
    if (typeof id !== "number") return undefined;
    const pending = this.#byId.get(id);
    if (pending !== undefined && this.#byId.delete(id)) this.#waiting.shift()?.();
    return pending;
  }
}
