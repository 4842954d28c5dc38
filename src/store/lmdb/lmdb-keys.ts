import type { KeyStore, StoredKey } from "../../bus/store-port.ts";
import type { CommitNotes } from "./commit-queue.ts";
import { damagedBy } from "./damaged.ts";
import type { Environment } from "./environment.ts";
import { decodeKey, encodeKey, keyOf } from "./key-record.ts";
import { RecordError } from "./record-error.ts";
import { RecordWriter } from "./record-writer.ts";

/** Idempotency keys on disk, each written with the message it belongs to. */
export class LmdbKeys implements KeyStore {
  readonly #environment: Environment;
  readonly #notes: CommitNotes;
  readonly #writer = new RecordWriter();

  constructor(environment: Environment, notes: CommitNotes) {
    this.#environment = environment;
    this.#notes = notes;
  }

  /** Throws a `StoreError` at a damaged record: a repetition might be published twice. */
  restore(): Iterable<StoredKey> {
    const found: StoredKey[] = [];
    for (const { key, value } of this.#environment.entries("keys")) {
      found.push(this.#read(key, value));
    }
    return found.sort((a, b) => a.startedAt - b.startedAt || a.offset - b.offset);
  }

  put(stored: StoredKey): void {
    const record = encodeKey(this.#writer, stored);
    this.#notes.note("keys", keyOf(stored.scope, stored.key), record);
  }

  delete(scope: string, key: string): void {
    this.#notes.note("keys", keyOf(scope, key), null);
  }

  #read(key: Buffer, value: Buffer): StoredKey {
    try {
      const stored = decodeKey(value);
      if (keyOf(stored.scope, stored.key).equals(key)) return stored;
      throw new RecordError("stands under the key of another");
    } catch (error) {
      throw damagedBy(error, "an idempotency key");
    }
  }
}
