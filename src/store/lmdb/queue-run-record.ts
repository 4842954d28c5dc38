import type { QoS } from "../../bus/message.ts";
import type { QueueEntry } from "../../bus/session-store.ts";
import { RecordError } from "./record-error.ts";
import { RecordReader } from "./record-reader.ts";
import type { RecordWriter } from "./record-writer.ts";

/** Highest subscription identifier (MQTT 5 §3.8.2.1.2). */
const MAX_SUBSCRIPTION_ID = 268_435_455;

const QOS_BITS = 0b11;
const IS_RETAINED = 0b100;
/** The sequence does not follow the one before it: by how much more stands after the flags. */
const SKIPS = 0b1000;
/** The subscription identifiers are those of the entry before it. */
const SAME_IDS = 0b1_0000;
const ID_COUNT_SHIFT = 5;
/** As many identifiers or more: their number stands on its own. */
const MANY_IDS = 7;

const NO_IDS: readonly number[] = Object.freeze([]);

/**
 * Entries of one session's queue, packed: for each the distance of its offset from the one before it,
 * flags, and subscription identifiers. Live messages of one filter take two bytes an entry. The
 * sequence of the first is in the key.
 */
export function encodeRun(writer: RecordWriter, entries: readonly QueueEntry[]): Buffer {
  let sequence = (entries[0]?.sequence ?? 1) - 1;
  let offset = 0;
  let ids = NO_IDS;
  for (const entry of entries) {
    const skipped = entry.sequence - sequence - 1;
    const hasSameIds = equals(entry.subscriptionIds, ids);
    const idCount = hasSameIds ? 0 : entry.subscriptionIds.length;
    writer.signed(entry.offset - offset);
    writer.byte(
      entry.qos |
        (entry.isRetained ? IS_RETAINED : 0) |
        (skipped > 0 ? SKIPS : 0) |
        (hasSameIds ? SAME_IDS : 0) |
        (Math.min(idCount, MANY_IDS) << ID_COUNT_SHIFT),
    );
    if (skipped > 0) writer.varint(skipped);
    if (idCount >= MANY_IDS) writer.varint(idCount);
    if (!hasSameIds) for (const id of entry.subscriptionIds) writer.varint(id);
    ({ sequence, offset, subscriptionIds: ids } = entry);
  }
  return writer.take();
}

/** Receives the entries of one record; no object is made for them. */
export type EntryVisitor = (
  sequence: number,
  offset: number,
  qos: QoS,
  isRetained: boolean,
  subscriptionIds: readonly number[],
) => void;

/** Visits the entries of one record, by rising sequence. Throws a `RecordError` for anything else. */
export function readRun(firstSequence: number, record: Uint8Array, visit: EntryVisitor): void {
  const reader = new RecordReader(record);
  let sequence = firstSequence - 1;
  let offset = 0;
  let ids = NO_IDS;
  do {
    offset += reader.signed();
    if (offset < 0) throw new RecordError(`has offset ${offset}`);
    const flags = reader.byte();
    const qos = flags & QOS_BITS;
    if (qos !== 0 && qos !== 1 && qos !== 2) throw new RecordError(`has QoS ${qos}`);
    sequence += 1 + ((flags & SKIPS) === 0 ? 0 : reader.varint());
    if (sequence > Number.MAX_SAFE_INTEGER) throw new RecordError("has a sequence above 2^53 - 1");
    if ((flags & SAME_IDS) === 0) ids = readIds(reader, flags >> ID_COUNT_SHIFT);
    visit(sequence, offset, qos, (flags & IS_RETAINED) !== 0, ids);
  } while (!reader.isAtEnd);
}

function readIds(reader: RecordReader, few: number): readonly number[] {
  const count = few < MANY_IDS ? few : reader.varint();
  if (count === 0) return NO_IDS;
  const ids: number[] = [];
  for (let i = 0; i < count; i += 1) {
    ids.push(reader.within(1, MAX_SUBSCRIPTION_ID, "subscription identifier"));
  }
  return ids;
}

function equals(left: readonly number[], right: readonly number[]): boolean {
  if (left === right) return true;
  return left.length === right.length && left.every((id, i) => id === right[i]);
}
