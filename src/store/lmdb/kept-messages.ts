import type { Message } from "../../bus/message.ts";
import type { CommitNotes } from "./commit-queue.ts";
import type { Environment } from "./environment.ts";
import { offsetKey, readOffsetKey } from "./log-keys.ts";
import { RecordWriter } from "./record-writer.ts";
import { decodeRetained, encodeRetained } from "./retained-record.ts";

/** Bodies looked at in one step of the sweep. */
const BODIES_PER_SWEEP = 256;

/**
 * Messages that queues need beyond the log's window. The bodies are on disk, how often each is held
 * only in memory: after a start every owner asks again for what it needs, and the rest is swept.
 */
export class KeptMessages {
  readonly #environment: Environment;
  readonly #notes: CommitNotes;
  readonly #writer = new RecordWriter();
  readonly #holders = new Map<number, number>();
  /** The newest body of an earlier process; −1 for none. */
  #newestInherited = -1;
  /** Where the sweep goes on; `null` when it is done or may not begin. */
  #sweepFrom: number | null = null;

  constructor(environment: Environment, notes: CommitNotes) {
    this.#environment = environment;
    this.#notes = notes;
    for (const key of environment.keys("kept", { isReverse: true, limit: 1 })) {
      this.#newestInherited = readOffsetKey(key);
    }
  }

  get count(): number {
    return this.#holders.size;
  }

  /**
   * A message that is held, or that an earlier process kept. Throws what the disk does, and a
   * `RecordError` for a damaged body.
   */
  get(offset: number): Message | undefined {
    if (!this.#holders.has(offset) && offset > this.#newestInherited) return undefined;
    const key = offsetKey(offset);
    const noted = this.#notes.peek("kept", key);
    const body = noted === undefined ? this.#environment.get("kept", key) : noted;
    return body === undefined || body === null ? undefined : decodeRetained(body);
  }

  keep(message: Message): void {
    const { offset } = message;
    const holders = this.#holders.get(offset) ?? 0;
    this.#holders.set(offset, holders + 1);
    if (holders > 0) return;
    const key = offsetKey(offset);
    const noted = this.#notes.peek("kept", key);
    const isStored = offset <= this.#newestInherited && this.#isOnDisk(key);
    if (noted === null || !isStored) {
      this.#notes.note("kept", key, encodeRetained(this.#writer, message));
    }
  }

  release(offset: number): void {
    const holders = this.#holders.get(offset);
    if (holders === undefined) return;
    if (holders > 1) {
      this.#holders.set(offset, holders - 1);
      return;
    }
    this.#holders.delete(offset);
    this.#notes.note("kept", offsetKey(offset), null);
  }

  /** Every owner of an earlier process has asked for what it needs: the rest may go. */
  beginSweep(): void {
    if (this.#newestInherited >= 0) this.#sweepFrom = 0;
  }

  /** One bounded step; returns whether there is more to do. */
  sweep(): boolean {
    if (this.#sweepFrom === null) return false;
    const range = {
      start: offsetKey(this.#sweepFrom),
      end: offsetKey(this.#newestInherited + 1),
      limit: BODIES_PER_SWEEP,
    };
    let looked = 0;
    for (const key of this.#environment.keys("kept", range)) {
      const offset = readOffsetKey(key);
      looked += 1;
      this.#sweepFrom = offset + 1;
      if (!this.#holders.has(offset)) this.#notes.note("kept", key, null);
    }
    if (looked < BODIES_PER_SWEEP) this.#sweepFrom = null;
    return this.#sweepFrom !== null;
  }

  #isOnDisk(key: Buffer): boolean {
    try {
      for (const found of this.#environment.keys("kept", { start: key, limit: 1 })) {
        return found.equals(key);
      }
    } catch {
      // What cannot be read is written again.
    }
    return false;
  }
}
