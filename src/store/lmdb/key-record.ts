import { createHash } from "node:crypto";
import type { StoredKey } from "../../bus/store-port.ts";
import { RecordReader } from "./record-reader.ts";
import type { RecordWriter } from "./record-writer.ts";

/**
 * The key of an idempotency key in its table: SHA-256 of the length of the scope, the scope and the
 * key. Both are text of clients, of any length; so that no two pairs share one, the length stands
 * before them.
 */
export function keyOf(scope: string, key: string): Buffer {
  const text = `${Buffer.byteLength(scope)}:${scope}${key}`;
  return createHash("sha256").update(text).digest();
}

export function encodeKey(writer: RecordWriter, stored: StoredKey): Buffer {
  writer.text(stored.scope);
  writer.text(stored.key);
  writer.text(stored.digest);
  writer.varint(stored.offset);
  writer.double(stored.startedAt);
  return writer.take();
}

/** Throws a `RecordError` for anything {@link encodeKey} did not write. */
export function decodeKey(record: Uint8Array): StoredKey {
  const reader = new RecordReader(record);
  const stored = {
    scope: reader.text(),
    key: reader.text(),
    digest: reader.text(),
    offset: reader.varint(),
    startedAt: reader.double(),
  };
  reader.end();
  return stored;
}
