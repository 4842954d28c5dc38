import type { Message } from "../../bus/message.ts";
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
import type { CommandForm } from "../command-session-form.ts";

const NEWLINE = 0x0a;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** One JSON object a line. JSON text escapes every line break, so a line is a frame. */
export class LineForm implements CommandForm {
  readonly egress = "tcp";
  readonly subprotocol = "tributary.v1.json";
  readonly #limits: CommandLimits;
  readonly #out = new ByteWriter();

  constructor(limits: CommandLimits) {
    this.#limits = limits;
  }

  parse(input: string | Uint8Array): Command {
    const text = typeof input === "string" ? input : decoder.decode(input);
    return parseCommand(text, this.#limits);
  }

  frame(frame: ControlFrame): Uint8Array {
    return encoder.encode(`${encodeFrame(frame)}\n`);
  }

  live(message: Message, epoch: string): Uint8Array {
    this.#out.reset();
    encodeMessageFrame(message, this.#out, epoch);
    this.#out.byte(NEWLINE);
    return this.#out.view();
  }

  addressed(message: Message, epoch: string, delivery: SubscriptionDelivery): Uint8Array {
    this.#out.reset();
    encodeSubscriptionFrame(message, this.#out, epoch, delivery);
    this.#out.byte(NEWLINE);
    return this.#out.view();
  }
}
