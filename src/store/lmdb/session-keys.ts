import { RecordError } from "./record-error.ts";

/** What a record of table `sessions` holds; the records of one session stand together. */
export const SESSION_RECORDS = { identity: 0, progress: 1, incoming: 2 } as const;

export type SessionRecordTag = (typeof SESSION_RECORDS)[keyof typeof SESSION_RECORDS];

/** Numbers of sessions and sequences have six bytes: 2^48 at a million a second last nine years. */
const NUMBER_BYTES = 6;

/** Key in table `sessions`: the session's number and what the record holds. */
export function sessionKey(session: number, tag: SessionRecordTag): Buffer {
  const key = Buffer.allocUnsafe(NUMBER_BYTES + 1);
  key.writeUIntBE(session, 0, NUMBER_BYTES);
  key[NUMBER_BYTES] = tag;
  return key;
}

/** Key in table `sessionQueues`: the session's number and the first sequence of the run. */
export function runKey(session: number, firstSequence: number): Buffer {
  const key = Buffer.allocUnsafe(2 * NUMBER_BYTES);
  key.writeUIntBE(session, 0, NUMBER_BYTES);
  key.writeUIntBE(firstSequence, NUMBER_BYTES, NUMBER_BYTES);
  return key;
}

/** Takes apart what {@link sessionKey} made. */
export function readSessionKey(key: Buffer): { session: number; tag: number } {
  if (key.length !== NUMBER_BYTES + 1) throw badKey("sessions", key);
  return { session: key.readUIntBE(0, NUMBER_BYTES), tag: key.readUInt8(NUMBER_BYTES) };
}

/** Takes apart what {@link runKey} made. */
export function readRunKey(key: Buffer): { session: number; firstSequence: number } {
  if (key.length !== 2 * NUMBER_BYTES) throw badKey("sessionQueues", key);
  return {
    session: key.readUIntBE(0, NUMBER_BYTES),
    firstSequence: key.readUIntBE(NUMBER_BYTES, NUMBER_BYTES),
  };
}

function badKey(table: string, key: Buffer): RecordError {
  return new RecordError(`has a key of ${key.length} bytes in table ${table}`);
}
