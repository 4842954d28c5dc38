/** Where the version of the schema stands in table `meta`. */
export const SCHEMA_KEY = Buffer.from("schema");

/** What every version of it begins with, so that no other program's record is taken for ours. */
const MARK = Buffer.from("tributary");

/** The version of a store's schema, 1…2^32−1. */
export function encodeSchema(version: number): Buffer {
  const record = Buffer.alloc(MARK.length + 4);
  MARK.copy(record);
  record.writeUInt32BE(version, MARK.length);
  return record;
}

/** `null` for a record of another program. What later versions add is passed over. */
export function decodeSchema(record: Buffer): number | null {
  const isOurs = record.length >= MARK.length + 4 && record.subarray(0, MARK.length).equals(MARK);
  if (!isOurs) return null;
  return record.readUInt32BE(MARK.length);
}
