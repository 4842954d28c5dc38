import { constants, deflateRawSync } from "node:zlib";

/** Settings of permessage-deflate; the names of the config. */
export interface DeflateOptions {
  /** Messages below this are sent as they are: compressing costs more than it saves. */
  readonly thresholdBytes: number;
}

/**
 * Window of what is compressed here: 4 KiB. A frame is compressed once for all readers, so its
 * window must suit each of them; clients that ask for a limit ask for this or more, as a larger one
 * gains little on messages and costs memory at both ends. An offer below it is not taken.
 */
export const SHARED_WINDOW_BITS = 12;

/** RFC 7692 §7.2.1: an empty stored block ends what a flush yields and is left out on the wire. */
const TAIL_BYTES = 4;

/** The message compressed without context, as `server_no_context_takeover` promises. */
export function deflateMessage(body: Uint8Array): Uint8Array {
  const bytes = deflateRawSync(body, {
    windowBits: SHARED_WINDOW_BITS,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  return bytes.subarray(0, bytes.length - TAIL_BYTES);
}
