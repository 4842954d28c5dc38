import { z } from "zod";

const KIB = 1024;
const MIB = 1024 * KIB;

/** Byte sizes as written in the schema. */
export const BYTES = { kib: KIB, mib: MIB } as const;

/** A day in milliseconds: the upper bound of most durations, far below the 2^31 of a Node timer. */
export const DAY_MS = 86_400_000;

/** Bounds of a number, both included. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** A whole number. The unit is in the setting's name. */
export function wholeNumber(defaultValue: number, bounds: Bounds, meaning: string) {
  return z.int().min(bounds.min).max(bounds.max).default(defaultValue).meta({
    description: meaning,
  });
}

/** A TCP port; 0 takes any free one, which the `listening` log line then names. */
export function port(defaultValue: number, meaning: string) {
  return wholeNumber(defaultValue, { min: 0, max: 65_535 }, meaning);
}

/** True or false. */
export function flag(defaultValue: boolean, meaning: string) {
  return z.boolean().default(defaultValue).meta({ description: meaning });
}

/** Text that is not empty. */
export function text(defaultValue: string, meaning: string) {
  return z.string().min(1).default(defaultValue).meta({ description: meaning });
}

/** Text of at most 1,024 characters that may be empty. */
export function textOrNone(defaultValue: string, meaning: string) {
  return z.string().max(1_024).default(defaultValue).meta({ description: meaning });
}

/** The path part of a URL: one leading slash, no query, no fragment. */
export function urlPath(defaultValue: string, meaning: string) {
  return z
    .string()
    .regex(/^\/[^?#\s]*$/, "is not a path: it starts with / and holds no ?, # or space")
    .default(defaultValue)
    .meta({ description: meaning });
}

/** A list of texts of one form; empty by default. */
export function list(item: z.ZodType<string>, meaning: string) {
  return z.array(item).default([]).meta({ description: meaning });
}
