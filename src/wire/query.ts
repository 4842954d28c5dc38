import { GatewayError } from "../errors.ts";

/** Bytes above 0x7F have no place in a URI (RFC 3986 §2), and HTTP parsers take them for Latin-1. */
const NOT_ASCII = /[\u0080-\uffff]/;

/** Under it, the rest of the request target names a topic. */
const TOPIC_PATH = "/v1/topics/";

/**
 * Decodes percent-encoded UTF-8 once (RFC 3986 §2.1). `+` stays `+`: it is an MQTT wildcard, and
 * only HTML forms take it for a space. Throws `bad_request` for what is malformed.
 */
export function percentDecode(text: string): string {
  if (NOT_ASCII.test(text)) {
    throw new GatewayError("bad_request", "request target holds raw bytes; percent-encode them");
  }
  if (!text.includes("%")) return text;
  try {
    // Well-formed escapes and well-formed UTF-8 are both demanded by ECMA-262 §19.2.6.1.1.
    return decodeURIComponent(text);
  } catch (cause) {
    const shown = JSON.stringify(text.slice(0, 80));
    throw new GatewayError("bad_request", `${shown} is not percent-encoded UTF-8`, { cause });
  }
}

/**
 * The values of each name of a query, in order, percent-decoded. `rawQuery` is what follows the
 * `?`; empty parts are skipped, a part without `=` has an empty value.
 */
export function parseQuery(rawQuery: string): Map<string, string[]> {
  const query = new Map<string, string[]>();
  if (rawQuery === "") return query;
  for (const part of rawQuery.split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = percentDecode(equals < 0 ? part : part.slice(0, equals));
    const value = equals < 0 ? "" : percentDecode(part.slice(equals + 1));
    const values = query.get(name);
    if (values === undefined) query.set(name, [value]);
    else values.push(value);
  }
  return query;
}

/** A raw request target, taken apart but not decoded. */
export interface RequestTarget {
  /** As it came: neither decoded nor normalised. */
  readonly path: string;
  /** Without the `?`; empty when there is none. */
  readonly rawQuery: string;
}

/** Splits a request target in origin form at its first `?` (RFC 9112 §3.2.1). */
export function splitTarget(target: string): RequestTarget {
  const mark = target.indexOf("?");
  if (mark < 0) return { path: target, rawQuery: "" };
  return { path: target.slice(0, mark), rawQuery: target.slice(mark + 1) };
}

/**
 * The topic a raw path names: everything after `/v1/topics/`, percent-decoded once, so that `%2F`
 * and `/` are the same. Dot segments and empty levels are kept: they are names like any other.
 * `null` for a path that is not below it; the text is not yet checked to be a topic.
 */
export function topicOfPath(path: string): string | null {
  return path.startsWith(TOPIC_PATH) ? percentDecode(path.slice(TOPIC_PATH.length)) : null;
}

/**
 * The path that names a topic. All of it is one path segment, `/` as `%2F`, because URL libraries
 * drop dot segments and some proxies join slashes. A topic that is `.` or `..` has no path which
 * such a library leaves alone; publish that one in bulk.
 */
export function pathOfTopic(topic: string): string {
  return TOPIC_PATH + encodeURIComponent(topic);
}

/** Builds a query of names and values, percent-encoded (RFC 3986 §2.1). */
export function formatQuery(pairs: Iterable<readonly [string, string]>): string {
  const parts: string[] = [];
  for (const [name, value] of pairs) {
    parts.push(`${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  }
  return parts.join("&");
}
