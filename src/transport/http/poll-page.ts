import { isAscii } from "node:buffer";
import type { Bus } from "../../bus/bus.ts";
import type { Cursor } from "../../bus/cursor.ts";
import type { Message } from "../../bus/message.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import { encodeJsonMessage } from "../../wire/json-message.ts";
import { encodePollBody, pollHead, pollTail } from "../../wire/poll.ts";
import { EncodedTail } from "../encoded-tail.ts";
import { type Stamper, withTrace } from "../traced-message.ts";
import { WriteBatch } from "../write-batch.ts";

const COMMA = 0x2c;

/** Turns pages of messages into bodies of poll answers; each message is encoded once for all polls. */
export class PollPages {
  readonly #bus: Bus;
  readonly #writer = new ByteWriter();
  readonly #batch = new WriteBatch();
  readonly #tail: EncodedTail;

  readonly #stamper: Stamper;

  constructor(bus: Bus, stamper: Stamper) {
    this.#bus = bus;
    this.#stamper = stamper;
    this.#tail = new EncodedTail((message) => {
      // The comma goes in front, so that messages one after the other are one range of bytes.
      this.#writer.reset();
      this.#writer.byte(COMMA);
      encodeJsonMessage(withTrace(message, stamper), this.#writer, bus.epoch);
      return this.#writer.view();
    });
  }

  /** The body of an answer that moves its reader to `cursor`. */
  body(messages: readonly Message[], cursor: Cursor, isUpToDate: boolean): string | Uint8Array {
    const bytes = this.#collect(messages, cursor, isUpToDate);
    // Text joins the headers in one piece and leaves in one; bytes are a piece of their own.
    return isAscii(bytes) ? bytes.toString("latin1") : bytes;
  }

  /** The same for retained messages, which carry no cursor of their own. */
  retainedBody(messages: readonly Message[], cursor: Cursor): Uint8Array {
    const encoded = messages.map((message) => {
      this.#writer.reset();
      encodeJsonMessage(withTrace(message, this.#stamper), this.#writer, null, true);
      return this.#writer.copy();
    });
    this.#writer.reset();
    encodePollBody(this.#writer, this.#bus.epoch, encoded, cursor, true);
    return this.#writer.copy();
  }

  #collect(messages: readonly Message[], cursor: Cursor, isUpToDate: boolean): Buffer {
    const batch = this.#batch;
    try {
      batch.add(Buffer.from(pollHead(this.#bus.epoch)));
      for (const [index, message] of messages.entries()) {
        // The comma of the first one is left out.
        this.#tail.addTo(batch, message.offset, { messageAt: () => message }, index === 0 ? 1 : 0);
      }
      batch.add(Buffer.from(pollTail(cursor, isUpToDate)));
      return batch.takeBytes();
    } catch (error) {
      // What is left in the batch must never reach another poll.
      batch.discard();
      throw error;
    }
  }
}
