import { Assembly, type WireAccount } from "./account.ts";
import { carrierCause, textBytes } from "./command-bytes.ts";
import { chargeAll } from "./charge.ts";
import type { Direction, WireTally } from "./wire-tally.ts";

const LINE_FEED = 0x0a;

/** Charges our commands over raw TCP: one JSON object a line. */
export class CommandLineAccount implements WireAccount {
  readonly #pending: Readonly<Record<Direction, Assembly>> = {
    up: new Assembly(),
    down: new Assembly(),
  };
  readonly #tally: WireTally;

  constructor(tally: WireTally) {
    this.#tally = tally;
  }

  take(direction: Direction, bytes: Buffer): void {
    const pending = this.#pending[direction];
    pending.add(bytes);
    for (let end = pending.bytes.indexOf(LINE_FEED); end >= 0; ) {
      const charged = textBytes(pending.cut(end + 1).toString("utf8", 0, end));
      chargeAll(this.#tally, charged);
      this.#tally.add(carrierCause(charged), 1);
      end = pending.bytes.indexOf(LINE_FEED);
    }
  }
}
