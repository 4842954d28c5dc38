/**
 * The form of a chunk, the messages of one commit or a part of them. Numbers are little-endian.
 *
 * Records (see `log-record.ts`) · for each record: start, offset − first offset, topic number,
 * payload bytes (4 × u32) · a CRC-32 for each block of the records (u32) · the footer: first offset,
 * last offset, newest acceptedAt (f64) · records, bytes of records, version, CRC-32 of everything
 * from the table to here (u32).
 *
 * It is read from its end. Blocks have checksums of their own so that one message can be read
 * without going through all of the chunk.
 */
export const CHUNK_VERSION = 1;
export const TABLE_ENTRY_BYTES = 16;
export const BLOCK_BYTES = 4_096;
export const FOOTER_BYTES = 40;

/**
 * Bytes of a chunk, unless its one message is larger: with lmdb's page header it fills 4 pages. A
 * sparse reader copies one chunk a message, 2 µs; the writer puts one for about 80 messages.
 */
export const MAX_CHUNK_BYTES = 16_384 - 64;

/** Bounds the arrays of a chunk that is being built; the smallest record takes 56 bytes. */
export const MAX_CHUNK_RECORDS = 512;

export function blockCount(recordBytes: number): number {
  return Math.ceil(recordBytes / BLOCK_BYTES);
}

/** Bytes of a chunk of so many records of so many bytes together. */
export function chunkBytes(records: number, recordBytes: number): number {
  return recordBytes + records * TABLE_ENTRY_BYTES + blockCount(recordBytes) * 4 + FOOTER_BYTES;
}
