import type { Cursor } from "../bus/cursor.ts";
import type { Message } from "../bus/message.ts";
import type { GapReason } from "../bus/ports.ts";
import type { ErrorCode, GatewayError } from "../errors.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { CommandId } from "./command-id.ts";
import { type ReceivedMessage, writeMessageFacts, writePayload } from "./json-message.ts";
import { jsonLine, writeJsonText } from "./json-string.ts";

/** The first frame of every connection. */
export interface WelcomeFrame {
  readonly type: "welcome";
  readonly subprotocol: string;
  readonly sessionId: string;
  readonly epoch: string;
  /** The connection is closed when it was silent for two of these. */
  readonly heartbeatSeconds: number;
  readonly maxPayloadBytes: number;
}

/** The credentials hold from here on. */
export interface AuthenticatedFrame {
  readonly type: "authenticated";
  readonly id: CommandId;
}

/** Whether messages can be missing without a word: see the table of delivery in the README. */
export type DeliveryPromise = "at-most-once" | "at-least-once";

/** First answer to `subscribe`; retained and recovered messages follow, then `live`. */
export interface SubscribedFrame {
  readonly type: "subscribed";
  readonly id: CommandId;
  readonly filter: string;
  /** The position the subscription begins at. */
  readonly cursor: Cursor;
  readonly delivery: DeliveryPromise;
  /** Whether everything after the cursor asked for will come; `false` also without a cursor. */
  readonly recovered: boolean;
}

/** The subscription has caught up; what follows for it is live. */
export interface LiveFrame {
  readonly type: "live";
  /** That of the `subscribe` command. */
  readonly id: CommandId;
  readonly cursor: Cursor;
}

/** A message: live, or of one subscription when retained or recovered. */
export interface MessageFrame {
  readonly type: "message";
  readonly message: ReceivedMessage;
  /** The id of the `subscribe` command; `null` for a live message. */
  readonly subscription: CommandId | null;
}

/** The reader has everything up to here, although nothing matched lately. */
export interface PositionFrame {
  readonly type: "position";
  readonly cursor: Cursor;
}

/** Messages after `from` are missing; delivery goes on from `earliest`. */
export interface GapFrame {
  readonly type: "gap";
  /** Absent for a reader of several filters, such as an SSE stream: it concerns them all. */
  readonly filter?: string;
  readonly from: Cursor;
  /** A reader that resumes with it gets the first message that is still there. */
  readonly earliest: Cursor;
  readonly reason: GapReason;
}

/** The overflow policy dropped messages of offsets `first`…`last`. */
export interface DroppedFrame {
  readonly type: "dropped";
  readonly filter: string;
  readonly count: number;
  readonly first: number;
  readonly last: number;
  readonly reason: "drop_oldest" | "keep_latest";
}

/** The message is accepted. */
export interface PublishedFrame {
  readonly type: "published";
  readonly id: CommandId;
  readonly cursor: Cursor;
  readonly offset: number;
}

/** Nothing more comes for this filter. */
export interface UnsubscribedFrame {
  readonly type: "unsubscribed";
  readonly id: CommandId;
  readonly filter: string;
}

/** Answer to `ping`; times are milliseconds since the Unix epoch, fractional. */
export interface PongFrame {
  readonly type: "pong";
  readonly id: CommandId;
  /** Repeats that of the `ping`; absent when it had none. */
  readonly sentAt?: number;
  readonly now: number;
}

/** A refusal: of the command `id` names, or of the connection when it has none. */
export interface ErrorFrame {
  readonly type: "error";
  readonly id?: CommandId;
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
}

/** Every frame that is written as it stands; a message is written by {@link encodeMessageFrame}. */
export type ControlFrame =
  | WelcomeFrame
  | AuthenticatedFrame
  | SubscribedFrame
  | LiveFrame
  | PositionFrame
  | GapFrame
  | DroppedFrame
  | PublishedFrame
  | UnsubscribedFrame
  | PongFrame
  | ErrorFrame;

/** Everything the gateway says on WebSocket and raw TCP. */
export type ServerFrame = ControlFrame | MessageFrame;

/** The frame as JSON text, on one line. */
export function encodeFrame(frame: ControlFrame): string {
  return jsonLine(frame);
}

/** The answer to a refused command; `id` is `null` when it had none that could be read. */
export function errorFrame(error: GatewayError, id: CommandId | null): ErrorFrame {
  return {
    type: "error",
    ...(id === null ? {} : { id }),
    code: error.code,
    message: error.message,
    retryable: error.form.retryable,
  };
}

/** Encoded once: copying bytes costs a third of writing characters. */
const OPEN_LIVE = new TextEncoder().encode('{"type":"message","topic":');

/** Writes the frame of a live message: the same bytes for every subscriber. */
export function encodeMessageFrame(message: Message, out: ByteWriter, epoch: string): void {
  out.bytes(OPEN_LIVE);
  writeJsonText(out, message.topic);
  writePayload(out, message.payload);
  writeMessageFacts(message, out, epoch, false);
  out.ascii("}");
}

/** How a message of one subscription differs from a live one. */
export interface SubscriptionDelivery {
  /** The id of the `subscribe` command. */
  readonly subscription: CommandId;
  /** `retained` carries no cursor and moves no position. */
  readonly as: "retained" | "recovered";
}

/** Writes the frame of a retained or recovered message. */
export function encodeSubscriptionFrame(
  message: Message,
  out: ByteWriter,
  epoch: string,
  delivery: SubscriptionDelivery,
): void {
  out.ascii('{"type":"message","subscription":');
  writeCommandId(out, delivery.subscription);
  out.ascii(',"topic":');
  writeJsonText(out, message.topic);
  writePayload(out, message.payload);
  const isRetained = delivery.as === "retained";
  writeMessageFacts(message, out, isRetained ? null : epoch, isRetained);
  out.ascii("}");
}

/** Writes a command id as JSON. */
export function writeCommandId(out: ByteWriter, id: CommandId): void {
  if (typeof id === "number") out.ascii(String(id));
  else writeJsonText(out, id);
}
