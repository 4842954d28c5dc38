import { type RequestTarget, splitTarget } from "../../wire/query.ts";

const ABSOLUTE_FORM = /^https?:\/\/[^/?#]*/i;

/**
 * The two parts of a request target, neither decoded nor normalised: a topic may hold `..` and `//`.
 * The absolute form is taken too (RFC 9112 §3.2.2); its authority is dropped.
 */
export function parseTarget(target: string): RequestTarget {
  if (target.charCodeAt(0) === 0x2f) return splitTarget(target);
  const { path, rawQuery } = splitTarget(target.replace(ABSOLUTE_FORM, ""));
  return { path: path === "" ? "/" : path, rawQuery };
}
