import type { Message, TransportName } from "../bus/message.ts";
import type { Command } from "../wire/command.ts";
import type { CommandId } from "../wire/command-id.ts";
import type { ControlFrame, SubscriptionDelivery } from "../wire/frame.ts";

/** What a client calls a subscription: the tag of every subscription of a command session. */
export interface SubscriptionName {
  /** The id of its `subscribe` command. */
  readonly id: CommandId;
  readonly filter: string;
}

/**
 * One wire form of the commands: WebSocket JSON or binary, compressed or not, and lines. It holds no
 * state of a connection, so that one instance serves all connections of its kind.
 */
export interface CommandForm {
  readonly egress: TransportName;
  /** What `welcome` names, and clients offer at the WebSocket handshake. */
  readonly subprotocol: string;
  /** A command as it came: text, or the bytes of a binary frame. Throws the refusal. */
  parse(input: string | Uint8Array): Command;
  /** Anything but a message. The bytes are the caller's. */
  frame(frame: ControlFrame): Uint8Array;
  /** A live message: the same bytes for every reader. Valid until the next call. */
  live(message: Message, epoch: string): Uint8Array;
  /** A retained or recovered message, for one subscription. Valid until the next call. */
  addressed(message: Message, epoch: string, delivery: SubscriptionDelivery): Uint8Array;
}
