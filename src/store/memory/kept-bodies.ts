import { copyBytes, type Message } from "../../bus/message.ts";

interface Kept {
  readonly message: Message;
  /** How often it was kept and not released. */
  holders: number;
}

/** Messages that queues need beyond the log's window, each stored once. */
export class KeptBodies {
  readonly #kept = new Map<number, Kept>();

  get count(): number {
    return this.#kept.size;
  }

  get(offset: number): Message | undefined {
    return this.#kept.get(offset)?.message;
  }

  /** Copies the payload the first time: a view would keep the log's whole slab alive. */
  keep(message: Message): void {
    const found = this.#kept.get(message.offset);
    if (found !== undefined) {
      found.holders += 1;
      return;
    }
    const own = { ...message, payload: copyBytes(message.payload) };
    this.#kept.set(message.offset, { message: own, holders: 1 });
  }

  release(offset: number): void {
    const found = this.#kept.get(offset);
    if (found === undefined) return;
    found.holders -= 1;
    if (found.holders === 0) this.#kept.delete(offset);
  }
}
