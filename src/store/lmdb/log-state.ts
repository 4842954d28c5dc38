import type { Environment } from "./environment.ts";
import { CorruptedError } from "./store-fault.ts";

/** Where the log stands; written with every commit. */
export interface LogState {
  readonly epoch: string;
  /** The newest offset that was ordered when the commit was put together. */
  readonly lastOffset: number;
  /** The oldest message of the window on disk. */
  readonly firstOffset: number;
  /** Messages and bytes of the window on disk. */
  readonly messages: number;
  readonly bytes: number;
  /** Messages up to here are in the index on disk. */
  readonly indexedThrough: number;
}

/** In the table `meta`. */
export const LOG_STATE_KEY = Buffer.from("log");

const VERSION = 1;
const NUMBERS_BYTES = 1 + 5 * 8;

export function encodeLogState(state: LogState): Buffer {
  const value = Buffer.alloc(NUMBERS_BYTES + Buffer.byteLength(state.epoch));
  value[0] = VERSION;
  value.writeDoubleLE(state.lastOffset, 1);
  value.writeDoubleLE(state.firstOffset, 9);
  value.writeDoubleLE(state.messages, 17);
  value.writeDoubleLE(state.bytes, 25);
  value.writeDoubleLE(state.indexedThrough, 33);
  value.write(state.epoch, NUMBERS_BYTES);
  return value;
}

/** `null` in a new store. Throws {@link CorruptedError}. */
export function readLogState(environment: Environment): LogState | null {
  const value = environment.get("meta", LOG_STATE_KEY);
  if (value === undefined) return null;
  if (value.length < NUMBERS_BYTES || value[0] !== VERSION) {
    throw new CorruptedError("the state of the log is damaged");
  }
  return {
    lastOffset: value.readDoubleLE(1),
    firstOffset: value.readDoubleLE(9),
    messages: value.readDoubleLE(17),
    bytes: value.readDoubleLE(25),
    indexedThrough: value.readDoubleLE(33),
    epoch: value.toString("utf8", NUMBERS_BYTES),
  };
}
