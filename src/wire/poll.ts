import type { Cursor } from "../bus/cursor.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { Fields, parseJson } from "./fields.ts";
import { parseJsonMessage, type ReceivedMessage, readCursor } from "./json-message.ts";

/** One answer to a poll, as a client receives it. */
export interface PollBody {
  readonly epoch: string;
  readonly messages: readonly ReceivedMessage[];
  /** What the next poll begins after. */
  readonly cursor: Cursor;
  /** Nothing more was in the log: the next poll may be held. */
  readonly isUpToDate: boolean;
}

/** What stands before the messages of a poll body. */
export function pollHead(epoch: string): string {
  return `{"epoch":${JSON.stringify(epoch)},"messages":[`;
}

/** What stands after the messages of a poll body. */
export function pollTail(cursor: Cursor, isUpToDate: boolean): string {
  return `],"cursor":${JSON.stringify(cursor)},"upToDate":${isUpToDate}}`;
}

/** Writes a poll body around messages that are already encoded, each once for all polls. */
export function encodePollBody(
  out: ByteWriter,
  epoch: string,
  messages: Iterable<Uint8Array>,
  cursor: Cursor,
  isUpToDate: boolean,
): void {
  out.utf8(pollHead(epoch));
  let isFirst = true;
  for (const message of messages) {
    if (!isFirst) out.ascii(",");
    isFirst = false;
    out.bytes(message);
  }
  out.utf8(pollTail(cursor, isUpToDate));
}

/** Reads a poll body; fields it does not know are ignored. Throws `bad_request`. */
export function parsePollBody(text: string): PollBody {
  const fields = new Fields(parseJson(text, "poll body"), "poll body");
  return {
    epoch: fields.text("epoch"),
    messages: fields.array("messages").map(parseJsonMessage),
    cursor: readCursor(fields, "cursor"),
    isUpToDate: fields.boolean("upToDate"),
  };
}
