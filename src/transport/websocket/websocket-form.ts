import type { Message } from "../../bus/message.ts";
import { encodeBinaryMessage, parseBinaryPublish } from "../../wire/binary-frame.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import { type Command, parseCommand } from "../../wire/command.ts";
import {
  type ControlFrame,
  encodeFrame,
  encodeMessageFrame,
  encodeSubscriptionFrame,
  type SubscriptionDelivery,
} from "../../wire/frame.ts";
import type { CommandLimits } from "../../wire/publish-command.ts";
import {
  beginFrame,
  type DataOpcode,
  endFrame,
  OPCODE_BINARY,
  OPCODE_TEXT,
  writeFrame,
} from "../../wire/websocket-framing.ts";
import type { CommandForm } from "../command-session-form.ts";
import { type DeflateOptions, deflateMessage } from "./websocket-deflate.ts";
import type { CommandSubprotocol } from "./websocket-handshake.ts";

const encoder = new TextEncoder();

/** A subprotocol of the commands, in whole unmasked frames; compressed where that was agreed on. */
export class WebSocketForm implements CommandForm {
  readonly egress = "websocket";
  readonly subprotocol: CommandSubprotocol;
  readonly #limits: CommandLimits;
  readonly #deflate: DeflateOptions | null;
  readonly #out = new ByteWriter();

  /** @param deflate `null` for connections that do not compress. */
  constructor(
    subprotocol: CommandSubprotocol,
    limits: CommandLimits,
    deflate: DeflateOptions | null,
  ) {
    this.subprotocol = subprotocol;
    this.#limits = limits;
    this.#deflate = deflate;
  }

  parse(input: string | Uint8Array): Command {
    return typeof input === "string"
      ? parseCommand(input, this.#limits)
      : parseBinaryPublish(input, this.#limits);
  }

  frame(frame: ControlFrame): Uint8Array {
    this.#out.reset();
    writeFrame(this.#out, encoder.encode(encodeFrame(frame)), OPCODE_TEXT);
    return this.#out.copy();
  }

  live(message: Message, epoch: string): Uint8Array {
    return this.#encode(message, epoch, null);
  }

  addressed(message: Message, epoch: string, delivery: SubscriptionDelivery): Uint8Array {
    return this.#encode(message, epoch, delivery);
  }

  #encode(message: Message, epoch: string, delivery: SubscriptionDelivery | null): Uint8Array {
    const out = this.#out;
    out.reset();
    const bodyStart = beginFrame(out);
    const opcode = this.#writeBody(message, epoch, delivery);
    if (this.#deflate === null || out.position - bodyStart < this.#deflate.thresholdBytes) {
      return out.view(endFrame(out, bodyStart, opcode));
    }
    const compressed = deflateMessage(out.view(bodyStart));
    out.reset();
    writeFrame(out, compressed, opcode, true);
    return out.view();
  }

  #writeBody(message: Message, epoch: string, delivery: SubscriptionDelivery | null): DataOpcode {
    const out = this.#out;
    if (this.subprotocol === "tributary.v1.binary") {
      if (encodeBinaryMessage(message, out, epoch, delivery)) return OPCODE_BINARY;
    }
    if (delivery === null) encodeMessageFrame(message, out, epoch);
    else encodeSubscriptionFrame(message, out, epoch, delivery);
    return OPCODE_TEXT;
  }
}

/** Whether a binary frame holds the header it announces; one that does not breaks the framing. */
export function holdsItsHeader(frame: Uint8Array): boolean {
  const [high, low] = frame;
  if (high === undefined || low === undefined) return false;
  return 2 + ((high << 8) | low) <= frame.length;
}
