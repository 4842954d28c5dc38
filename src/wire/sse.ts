import type { Cursor } from "../bus/cursor.ts";
import type { Message } from "../bus/message.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { encodeFrame, type GapFrame } from "./frame.ts";
import { encodeJsonMessage, writeCursor } from "./json-message.ts";

/** One block of a `text/event-stream` (WHATWG HTML §9.2.5). */
export interface SseBlock {
  readonly id?: string;
  readonly event?: string;
  /** Each line becomes a `data` field; absent, the block only moves the last event id. */
  readonly data?: string;
}

/** Whether text could end a field, and so begin another: whoever made it up would speak for us. */
const BREAKS_FIELD = /[\r\n\0]/;

/** How a line ends in an event stream (WHATWG HTML §9.2.5). */
const LINE_END = /\r\n|\r|\n/;

/** The block as text. Throws `RangeError` for an `id` or `event` that holds CR, LF or NUL. */
export function formatSseBlock(block: SseBlock): string {
  const { id, event, data } = block;
  let text = "";
  if (id !== undefined) text += `id: ${checkField("id", id)}\n`;
  if (event !== undefined) text += `event: ${checkField("event", event)}\n`;
  if (data !== undefined) for (const line of data.split(LINE_END)) text += `data: ${line}\n`;
  return `${text}\n`;
}

/** A comment, which readers ignore. Throws `RangeError` when it holds CR, LF or NUL. */
export function formatSseComment(text: string): string {
  return `: ${checkField("comment", text)}\n\n`;
}

/** Tells a reader to wait this long, in whole milliseconds, before it reconnects. */
export function formatSseRetry(delayMs: number): string {
  if (!Number.isSafeInteger(delayMs) || delayMs < 0) {
    throw new RangeError(`retry is ${delayMs}; whole milliseconds are needed`);
  }
  return `retry: ${delayMs}\n\n`;
}

/** Moves the last event id although nothing matched; browsers raise no event for it. */
export function formatSsePosition(cursor: Cursor): string {
  return formatSseBlock({ id: cursor });
}

/** A stated gap. Its id is `earliest`, so that a reader which reconnects is not told again. */
export function formatSseGap(gap: GapFrame): string {
  return formatSseBlock({ id: gap.earliest, event: "gap", data: encodeFrame(gap) });
}

/**
 * Writes the event of a live or recovered message: the same bytes for every reader. Its id is its
 * cursor. JSON holds no raw line end, so that `data` is one line.
 */
export function encodeSseMessage(message: Message, out: ByteWriter, epoch: string): void {
  out.ascii("id: ");
  writeCursor(out, epoch, message.offset);
  out.ascii("\nevent: message\ndata: ");
  encodeJsonMessage(message, out, epoch);
  out.ascii("\n\n");
}

/** Writes the event of a retained message; it has no id, as it moves no position. */
export function encodeSseRetained(message: Message, out: ByteWriter): void {
  out.ascii("event: message\ndata: ");
  encodeJsonMessage(message, out, null, true);
  out.ascii("\n\n");
}

function checkField(name: string, text: string): string {
  if (!BREAKS_FIELD.test(text)) return text;
  throw new RangeError(`SSE ${name} ${JSON.stringify(text.slice(0, 60))} holds CR, LF or NUL`);
}
