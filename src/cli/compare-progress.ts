import type { Progress } from "../compare/progress.ts";
import type { Output } from "./host.ts";
import { bar, ProgressLine } from "./progress-line.ts";

/** Lines a run leaves where nobody watches: one for each part of it, at least. */
const PLAIN_LINES = 20;

/** How far a run is: a bar with the time left on a terminal, now and then a line elsewhere. */
export class CompareProgress {
  readonly #plan: string;
  readonly #out: Output;
  readonly #line: ProgressLine;
  #linesWritten = 0;

  constructor(plan: string, out: Output) {
    this.#plan = plan;
    this.#out = out;
    this.#line = new ProgressLine(out);
    this.#line.show("starting a gateway");
  }

  show({ phase, share, secondsLeft }: Progress): void {
    const left = timeLeft(secondsLeft);
    this.#line.show(`${this.#plan} ${bar(share)} ${phase}, ${left} left`);
    if (this.#out.isTerminal || share * PLAIN_LINES < this.#linesWritten) return;
    this.#linesWritten += 1;
    this.#out.write(`${this.#plan} ${Math.floor(share * 100)} %, ${phase}, ${left} left\n`);
  }

  end(): void {
    this.#line.clear();
  }
}

function timeLeft(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 90 ? `${whole} s` : `${Math.ceil(whole / 60)} min`;
}
