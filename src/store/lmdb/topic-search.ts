import { matches, type TopicFilter } from "../../bus/topic.ts";
import type { Environment } from "./environment.ts";
import {
  AFTER_CHILDREN,
  encodeLevels,
  isLongKey,
  keyLevels,
  MAX_PLAIN_KEY_BYTES,
} from "./topic-key.ts";
import { readTopicValue } from "./topic-value.ts";

/** Bounds one search: a seek costs about 3 µs, so that one search takes 15 ms at most. */
export const MAX_SEEKS = 5_000;

/**
 * The numbers of the logged topics a filter matches, found by seeks: under `a/+/c` one or two for
 * each level below `a`, however many topics there are below those. `null` when there are more than
 * `maxFound`, or finding them takes more than {@link MAX_SEEKS}.
 */
export function searchTopics(
  environment: Environment,
  filter: TopicFilter,
  maxFound: number,
): number[] | null {
  const levels = filter.split("/");
  const wild = levels.findIndex((level) => level === "+" || level === "#");
  const prefix = cut(encodeLevels(levels.slice(0, wild).join("/")));
  const found: number[] = [];
  // No key is empty, and none sorts before the separator.
  let at: Buffer | null = prefix.length === 0 ? Buffer.from([0]) : prefix;
  for (let seeks = 0; at !== null; seeks += 1) {
    if (seeks > MAX_SEEKS || found.length > maxFound) return null;
    const entry = firstFrom(environment, at);
    if (entry === undefined) break;
    if (wild > 0 && !startsWith(entry.key, prefix)) break;
    const { id, name } = readTopicValue(entry.value);
    if (isLongKey(entry.key)) {
      if (name !== null && matches(filter, name)) found.push(id);
      at = afterKey(entry.key);
    } else {
      const step = compareLevels(levels, keyLevels(entry.key), entry.key);
      if (step.isMatch) found.push(id);
      at = step.next === null ? null : laterOf(cut(step.next), afterKey(entry.key));
    }
  }
  return found.length > maxFound ? null : found;
}

function firstFrom(environment: Environment, start: Buffer) {
  for (const entry of environment.entries("topics", { start, limit: 1 })) return entry;
  return undefined;
}

/** Whether the topic matches, and the first key after it that may. */
interface Step {
  readonly isMatch: boolean;
  readonly next: Buffer | null;
}

function compareLevels(filter: readonly string[], topic: readonly string[], key: Buffer): Step {
  const first = filter[0];
  // A reserved topic is not matched by a leading wildcard [MQTT-4.7.2-1]: past all of them.
  if ((first === "+" || first === "#") && topic[0]?.startsWith("$") === true) {
    return { isMatch: false, next: Buffer.from("%") };
  }
  for (let i = 0; i < topic.length; i += 1) {
    const wanted = filter[i];
    if (wanted === "#") return { isMatch: true, next: afterKey(key) };
    if (wanted === undefined) {
      // Too deep, like everything below the level the filter ends with.
      return { isMatch: false, next: afterChildren(topic.slice(0, i)) };
    }
    if (wanted === "+" || wanted === topic[i]) continue;
    return { isMatch: false, next: afterMismatch(topic, wanted, i) };
  }
  if (filter.length === topic.length) return { isMatch: true, next: afterKey(key) };
  // "sport/#" matches "sport" itself [MQTT-4.7.1-2].
  const isMatch = filter.length === topic.length + 1 && filter[topic.length] === "#";
  return { isMatch, next: afterKey(key) };
}

/** Level `i` is another than `wanted`: go on at it, or past it with the level above. */
function afterMismatch(topic: readonly string[], wanted: string, i: number): Buffer | null {
  const level = encodeLevels(topic[i] ?? "");
  const target = encodeLevels(wanted);
  const above = topic.slice(0, i);
  if (Buffer.compare(level, target) < 0) return encodeLevels([...above, wanted].join("/"));
  return i === 0 ? null : afterChildren(above);
}

function afterChildren(levels: readonly string[]): Buffer {
  return Buffer.concat([encodeLevels(levels.join("/")), Buffer.from([AFTER_CHILDREN])]);
}

function afterKey(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.from([0])]);
}

/** A key has no more of its topic than this: where to go on must not lie past the ones that are cut. */
function cut(encoded: Buffer): Buffer {
  return encoded.subarray(0, MAX_PLAIN_KEY_BYTES);
}

function laterOf(a: Buffer, b: Buffer): Buffer {
  return Buffer.compare(a, b) < 0 ? b : a;
}

function startsWith(key: Buffer, prefix: Buffer): boolean {
  return (
    key.length >= prefix.length && key.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
  );
}
