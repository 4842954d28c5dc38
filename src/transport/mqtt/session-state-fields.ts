import type { QoS } from "../../bus/message.ts";

/** A parsed JSON object whose fields are not checked yet. */
export type StateObject = Readonly<Record<string, unknown>>;

export function objectIn(value: unknown, name: string): StateObject {
  if (!isObject(value)) throw new Error(`${name} is no object`);
  return value;
}

export function listIn(object: StateObject, name: string): readonly unknown[] {
  const value = object[name];
  if (!Array.isArray(value)) throw new Error(`${name} is no list`);
  return value;
}

export function textIn(object: StateObject, name: string): string {
  const value = object[name];
  if (typeof value !== "string") throw new Error(`${name} is no text`);
  return value;
}

export function textOrNullIn(object: StateObject, name: string): string | null {
  return object[name] === null ? null : textIn(object, name);
}

export function numberIn(object: StateObject, name: string): number {
  const value = object[name];
  if (typeof value !== "number") throw new Error(`${name} is no number`);
  return value;
}

export function numberOrNullIn(object: StateObject, name: string): number | null {
  return object[name] === null ? null : numberIn(object, name);
}

export function booleanIn(object: StateObject, name: string): boolean {
  const value = object[name];
  if (typeof value !== "boolean") throw new Error(`${name} is neither true nor false`);
  return value;
}

export function qosIn(object: StateObject, name: string): QoS {
  const value = object[name];
  if (value === 0 || value === 1 || value === 2) return value;
  throw new Error(`${name} is no QoS`);
}

function isObject(value: unknown): value is StateObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
