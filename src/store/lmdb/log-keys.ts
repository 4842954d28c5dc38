/** 2^32: offsets are whole numbers up to 2^53, written as two halves. */
const HIGH = 4_294_967_296;

/** The key of a chunk: its first offset, big-endian, so that keys rise as offsets do. */
export function offsetKey(offset: number): Buffer {
  const key = Buffer.allocUnsafe(8);
  writeOffset(key, 0, offset);
  return key;
}

export function readOffsetKey(key: Buffer): number {
  return readOffset(key, 0);
}

/**
 * The key of a topic's entry in one segment of the index: the segment's first offset, then the number
 * of the topic. In this order a segment is written, and removed, as one run of neighbouring pages.
 */
export function indexKey(segment: number, topicId: number): Buffer {
  const key = Buffer.allocUnsafe(12);
  writeOffset(key, 0, segment);
  key.writeUInt32BE(topicId, 8);
  return key;
}

/** The segment an index key names. */
export function readSegment(key: Buffer): number {
  return readOffset(key, 0);
}

/** The key of what belongs to a topic by its number. */
export function topicIdKey(topicId: number): Buffer {
  const key = Buffer.allocUnsafe(4);
  key.writeUInt32BE(topicId, 0);
  return key;
}

function writeOffset(target: Buffer, at: number, offset: number): void {
  target.writeUInt32BE(Math.floor(offset / HIGH), at);
  target.writeUInt32BE(offset % HIGH, at + 4);
}

function readOffset(key: Buffer, at: number): number {
  return key.readUInt32BE(at) * HIGH + key.readUInt32BE(at + 4);
}
