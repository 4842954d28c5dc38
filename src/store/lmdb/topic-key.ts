import { createHash } from "node:crypto";
import type { Topic } from "../../bus/topic.ts";

/**
 * Bytes of a topic that stand in its key; of a longer one the first so many and a hash, and the name
 * in the value. With the hash well below lmdb's limit of 1,978.
 */
export const MAX_PLAIN_KEY_BYTES = 1_900;

/**
 * Between levels: no topic holds U+0000, and nothing sorts before it, so that a topic is followed by
 * everything below it, and by nothing else, in the order of the keys.
 */
const SEPARATOR = 0;

/** The first key after everything below a level. */
export const AFTER_CHILDREN = 1;

/** The key of a topic in the table `topics`. */
export function topicKey(topic: Topic): Buffer {
  const encoded = encodeLevels(topic);
  if (encoded.length <= MAX_PLAIN_KEY_BYTES) return encoded;
  const hash = createHash("sha256").update(encoded).digest();
  return Buffer.concat([encoded.subarray(0, MAX_PLAIN_KEY_BYTES), hash]);
}

/** Whether the key holds only the beginning of its topic. */
export function isLongKey(key: Buffer): boolean {
  return key.length > MAX_PLAIN_KEY_BYTES;
}

/** Levels, joined by `/`, as they stand in a key. */
export function encodeLevels(levels: string): Buffer {
  const bytes = Buffer.from(levels);
  for (let i = 0; i < bytes.length; i += 1) if (bytes[i] === 0x2f) bytes[i] = SEPARATOR;
  return bytes;
}

/** The levels of a plain key. */
export function keyLevels(key: Buffer): string[] {
  return key.toString().split("\0");
}
