import type { Topic } from "../../bus/topic.ts";
import { CorruptedError } from "./store-fault.ts";

/** What the table `topics` says of a topic: its number, and its name when the key holds a hash. */
export interface TopicValue {
  readonly id: number;
  readonly name: Topic | null;
}

export function encodeTopicValue({ id, name }: TopicValue): Buffer {
  const value = Buffer.alloc(4 + (name === null ? 0 : Buffer.byteLength(name)));
  value.writeUInt32LE(id, 0);
  if (name !== null) value.write(name, 4);
  return value;
}

export function readTopicValue(value: Buffer): TopicValue {
  if (value.length < 4) throw new CorruptedError("the entry of a topic is cut off");
  const name = value.length > 4 ? readTopicName(value.subarray(4)) : null;
  return { id: value.readUInt32LE(0), name };
}

/** A topic that was checked when its first message came in. */
export function readTopicName(bytes: Buffer): Topic {
  return bytes.toString() as Topic;
}
