import type { Message } from "../bus/message.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { Fields } from "./fields.ts";
import { writeMillis } from "./number-text.ts";

/** The user property, as name and value, by which a publisher asks for the stamps. */
export const TRACE_PROPERTY = ["trace", "1"] as const;

/** When a message went through the gateway: milliseconds since the Unix epoch, to the microsecond. */
export interface TraceStamps {
  /** Its bytes had been read. */
  readonly receivedAt: number;
  /** The bus had given it its offset. */
  readonly acceptedAt: number;
  /**
   * It was encoded, when the first reader of this wire form was served; all readers of the form share
   * the bytes, so the stamp is no other for those that were served later.
   */
  readonly encodedAt: number;
}

/** A message that carries its stamps to readers of JSON. */
export interface TracedMessage extends Message {
  readonly encodedAt: number;
}

/** Whether the publisher asked for the stamps. */
export function wantsTrace({ properties: { userProperties } }: Message): boolean {
  if (userProperties === undefined) return false;
  const [name, value] = TRACE_PROPERTY;
  return userProperties.some((property) => property[0] === name && property[1] === value);
}

/** Writes `,"trace":{…}` of a {@link TracedMessage}; nothing of any other. */
export function writeTrace(message: Message, out: ByteWriter): void {
  if (message.properties.userProperties === undefined || !isTraced(message)) return;
  out.ascii(',"trace":{"receivedAt":');
  writeMillis(out, message.receivedAt);
  out.ascii(',"acceptedAt":');
  writeMillis(out, message.acceptedAt);
  out.ascii(',"encodedAt":');
  writeMillis(out, message.encodedAt);
  out.ascii("}");
}

/** The stamps a message carries. Throws `bad_request` when they are none. */
export function readTrace(fields: Fields): TraceStamps {
  return {
    receivedAt: fields.number("receivedAt"),
    acceptedAt: fields.number("acceptedAt"),
    encodedAt: fields.number("encodedAt"),
  };
}

function isTraced(message: Message): message is TracedMessage {
  return "encodedAt" in message;
}
