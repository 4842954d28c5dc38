import { GatewayError } from "../errors.ts";

declare const topicBrand: unique symbol;
declare const filterBrand: unique symbol;

/** A checked topic: 1–65,535 UTF-8 bytes, no wildcard, no U+0000, no lone surrogate. */
export type Topic = string & { readonly [topicBrand]: true };

/** A checked filter: as a topic, with `+` as a whole level and `#` as the whole last level. */
export type TopicFilter = string & { readonly [filterBrand]: true };

/** Bounds on the names clients may make up. */
export interface TopicLimits {
  /** Bytes of UTF-8; at most 65,535, the range of an MQTT string [MQTT-4.7.3-3]. */
  readonly maxTopicBytes: number;
  /** Levels, empty ones included; bounds the depth of every trie and of every match. */
  readonly maxTopicLevels: number;
}

/** The widest limits the protocol allows. */
export const PROTOCOL_TOPIC_LIMITS: TopicLimits = { maxTopicBytes: 65_535, maxTopicLevels: 65_536 };

/** Throws `invalid_topic` naming the broken rule; returns the text, branded. */
export function parseTopic(text: string, limits: TopicLimits): Topic {
  const fault = nameFault(text, limits);
  if (fault !== null) throw new GatewayError("invalid_topic", `topic ${quote(text)} ${fault}`);
  if (text.includes("+") || text.includes("#")) {
    throw new GatewayError(
      "invalid_topic",
      `topic ${quote(text)} holds a wildcard; wildcards belong in filters [MQTT-3.3.2-2]`,
    );
  }
  return text as Topic;
}

/** Throws `invalid_filter` naming the broken rule; returns the text, branded. */
export function parseFilter(text: string, limits: TopicLimits): TopicFilter {
  const fault = nameFault(text, limits) ?? wildcardFault(text);
  if (fault !== null) throw new GatewayError("invalid_filter", `filter ${quote(text)} ${fault}`);
  return text as TopicFilter;
}

/** Whether `topic` starts with `$`: closed to publishers and to leading wildcards [MQTT-4.7.2-1]. */
export function isReserved(topic: string): boolean {
  return topic.charCodeAt(0) === 0x24;
}

/** Whether the filter holds no wildcard, and so names exactly one topic. */
export function isExact(filter: TopicFilter): filter is TopicFilter & Topic {
  return !filter.includes("+") && !filter.includes("#");
}

/**
 * Whether `filter` matches `topic`, by MQTT §4.7: `+` one level (empty ones too), `#` the parent and
 * everything below, and no leading wildcard against a reserved topic.
 */
export function matches(filter: TopicFilter, topic: Topic): boolean {
  const first = filter.charCodeAt(0);
  if ((first === 0x2b || first === 0x23) && isReserved(topic)) return false;
  let f = 0;
  let t = 0;
  for (;;) {
    const code = filter.charCodeAt(f);
    if (code === 0x23) return true;
    if (code === 0x2b) {
      f += 1;
      while (t < topic.length && topic.charCodeAt(t) !== 0x2f) t += 1;
    } else {
      while (
        f < filter.length &&
        t < topic.length &&
        filter.charCodeAt(f) !== 0x2f &&
        filter.charCodeAt(f) === topic.charCodeAt(t)
      ) {
        f += 1;
        t += 1;
      }
    }
    const filterEnds = f === filter.length;
    const topicEnds = t === topic.length;
    if (filterEnds && topicEnds) return true;
    // "sport/#" matches "sport" itself [MQTT-4.7.1-2].
    if (topicEnds) return f === filter.length - 2 && filter.endsWith("/#");
    if (filterEnds || filter.charCodeAt(f) !== 0x2f || topic.charCodeAt(t) !== 0x2f) return false;
    f += 1;
    t += 1;
  }
}

function nameFault(text: string, limits: TopicLimits): string | null {
  if (text.length === 0) return "is empty; at least one character is needed [MQTT-4.7.3-1]";
  if (text.includes("\0")) return "holds U+0000 [MQTT-4.7.3-2]";
  let bytes = text.length;
  let levels = 1;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 0x2f) levels += 1;
    if (code < 0x80) continue;
    bytes += code < 0x800 ? 1 : 2;
    if (code < 0xd800 || code > 0xdfff) continue;
    const next = text.charCodeAt(i + 1);
    const isPair = code < 0xdc00 && next >= 0xdc00 && next <= 0xdfff;
    if (!isPair) return "holds a lone surrogate, which UTF-8 cannot carry [MQTT-1.5.3-1]";
    // A pair is 4 bytes: 1 counted for each unit, 2 added for the first above, none for the second.
    i += 1;
  }
  if (bytes > limits.maxTopicBytes) {
    return `is ${bytes} bytes long; the limit is ${limits.maxTopicBytes}`;
  }
  if (levels > limits.maxTopicLevels) {
    return `has ${levels} levels; the limit is ${limits.maxTopicLevels}`;
  }
  return null;
}

function wildcardFault(text: string): string | null {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code !== 0x2b && code !== 0x23) continue;
    const startsLevel = i === 0 || text.charCodeAt(i - 1) === 0x2f;
    const endsLevel = i === text.length - 1 || text.charCodeAt(i + 1) === 0x2f;
    if (!startsLevel || !endsLevel) {
      return `has ${text[i]} inside a level; a wildcard is a whole level [MQTT-4.7.1-3]`;
    }
    if (code === 0x23 && i !== text.length - 1) {
      return "has # before its end; it may only be the last level [MQTT-4.7.1-2]";
    }
  }
  return null;
}

/** The name as it may stand in an error message: quoted, control characters escaped, cut at 80. */
function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
