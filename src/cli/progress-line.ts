import type { Output } from "./host.ts";

/** Clears from the cursor to the end of the line (ECMA-48 EL). */
const CLEAR_TO_END = "\u001b[K";
const BAR_CELLS = 24;

/** One line on a terminal that is written over and over; nothing at all on anything else. */
export class ProgressLine {
  readonly #out: Output;
  #isShown = false;

  constructor(out: Output) {
    this.#out = out;
  }

  show(text: string): void {
    if (!this.#out.isTerminal) return;
    this.#out.write(`\r${text}${CLEAR_TO_END}`);
    this.#isShown = true;
  }

  clear(): void {
    if (this.#isShown) this.#out.write(`\r${CLEAR_TO_END}`);
    this.#isShown = false;
  }
}

/** A bar that is filled to `share` (0…1). */
export function bar(share: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * BAR_CELLS);
  return `[${"█".repeat(filled)}${"·".repeat(BAR_CELLS - filled)}]`;
}
