import { RecordReader } from "./record-reader.ts";
import type { RecordWriter } from "./record-writer.ts";
import { SequenceSet } from "./sequence-set.ts";

const MAX_PACKET_ID = 65_535;

/** Who a session is, and what its owner keeps about it. */
export interface SessionIdentity {
  readonly name: string;
  readonly state: Uint8Array;
}

/** How far the deliveries of a session have come. */
export interface SessionProgress {
  readonly done: SequenceSet;
  readonly sentThrough: number;
  /** Entries whose PUBREC has arrived, and that are not done. */
  readonly received: ReadonlySet<number>;
  readonly lastSequence: number;
}

/** What the client of a session without a record of its progress has got. */
export function noProgress(): SessionProgress {
  return { done: new SequenceSet(), sentThrough: 0, received: new Set(), lastSequence: 0 };
}

export function encodeIdentity(writer: RecordWriter, identity: SessionIdentity): Buffer {
  writer.text(identity.name);
  writer.bytes(identity.state);
  return writer.take();
}

/** Throws a `RecordError` for anything {@link encodeIdentity} did not write. */
export function decodeIdentity(record: Uint8Array): SessionIdentity {
  const reader = new RecordReader(record);
  const identity = { name: reader.text(), state: reader.bytes() };
  reader.end();
  return identity;
}

/** Sequences are written as distances: what is done out of order takes a few bytes a run. */
export function encodeProgress(writer: RecordWriter, progress: SessionProgress): Buffer {
  const { done, sentThrough, received, lastSequence } = progress;
  writer.varint(lastSequence);
  writer.varint(sentThrough);
  writer.varint(done.through);
  writer.varint(done.runCount);
  let at = done.through;
  for (const [first, last] of done.runs()) {
    writer.varint(first - at);
    writer.varint(last - first);
    at = last;
  }
  writeRising(writer, received);
  return writer.take();
}

/** Throws a `RecordError` for anything {@link encodeProgress} did not write. */
export function decodeProgress(record: Uint8Array): SessionProgress {
  const reader = new RecordReader(record);
  const lastSequence = reader.varint();
  const sentThrough = reader.varint();
  const done = new SequenceSet(reader.varint());
  const runs = reader.varint();
  let at = done.through;
  for (let i = 0; i < runs; i += 1) {
    const first = at + reader.within(1, lastSequence, "distance");
    at = first + reader.within(0, lastSequence, "length");
    done.addRun(first, at);
  }
  const received = new Set(readRising(reader, Number.MAX_SAFE_INTEGER));
  reader.end();
  return { done, sentThrough, received, lastSequence };
}

/** Packet ids the client has not released yet. */
export function encodeIncoming(writer: RecordWriter, packetIds: ReadonlySet<number>): Buffer {
  writeRising(writer, packetIds);
  return writer.take();
}

/** Throws a `RecordError` for anything {@link encodeIncoming} did not write. */
export function decodeIncoming(record: Uint8Array): number[] {
  const reader = new RecordReader(record);
  const packetIds = readRising(reader, MAX_PACKET_ID);
  reader.end();
  return packetIds;
}

function writeRising(writer: RecordWriter, numbers: ReadonlySet<number>): void {
  writer.varint(numbers.size);
  let before = 0;
  for (const number of [...numbers].sort((a, b) => a - b)) {
    writer.varint(number - before);
    before = number;
  }
}

function readRising(reader: RecordReader, max: number): number[] {
  const count = reader.varint();
  const numbers: number[] = [];
  let at = 0;
  for (let i = 0; i < count; i += 1) {
    at += reader.within(1, max - at, "distance");
    numbers.push(at);
  }
  return numbers;
}
