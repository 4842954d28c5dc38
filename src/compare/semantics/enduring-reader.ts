import type { DriverContext, OpenReader, Reader, ReaderStart } from "../driver/driver.ts";
import { monotonicNs } from "../pacer.ts";
import { ReturnDelay } from "./return-delay.ts";

/** A connection that takes longer than this to come about has failed. */
const OPEN_DEADLINE_MS = 5_000;

/** What an {@link EnduringReader} is given. */
export interface EnduringReaderParts {
  readonly open: OpenReader;
  readonly context: Omit<DriverContext, "onFailure">;
  readonly filter: string;
  /** Whether it goes on from where it was, or from what comes then. */
  readonly resumes: boolean;
  readonly silenceMs: number;
  readonly onPayload: (payload: Uint8Array, receivedNs: number, connection: number) => void;
}

/** A reader that comes back after every loss of its connection, by its transport's own means or anew. */
export class EnduringReader {
  readonly #parts: EnduringReaderParts;
  readonly #delay = new ReturnDelay();
  /** When each connection was there. */
  readonly openedNs: number[] = [];
  #reader: Reader | null = null;
  #position: string | null = null;
  #hasPosition = false;
  #generation = 0;
  #lastHeardMs = 0;
  #watch: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(parts: EnduringReaderParts) {
    this.#parts = parts;
  }

  /** The first connection; rejects when there is none. */
  async start(): Promise<void> {
    await this.#connect();
    // A quarter of the patience: a link is given up at most a quarter late.
    this.#watch = setInterval(() => this.#listen(), this.#parts.silenceMs / 4);
  }

  /** From now on silence means that nobody publishes any more. */
  endWatch(): void {
    if (this.#watch !== null) clearInterval(this.#watch);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#delay.end();
    this.endWatch();
    const reader = this.#reader;
    this.#reader = null;
    await reader?.close();
  }

  async #connect(): Promise<void> {
    this.#generation += 1;
    const generation = this.#generation;
    const connection = this.openedNs.length;
    const { open, context, filter, onPayload } = this.#parts;
    let mayHear = true;
    let isOpen = false;
    const onFailure = (): void => {
      // Before it is open the rejection says so, too.
      if (isOpen) this.#lose(generation);
    };
    const opening = open(
      { ...context, onFailure },
      { filter, start: this.#start() },
      (payload, receivedNs) => {
        // What a connection that was given up still has in its buffers counts as never read.
        if (!mayHear || generation !== this.#generation) return;
        this.#lastHeardMs = performance.now();
        this.#delay.reset();
        onPayload(payload, receivedNs, connection);
      },
    );
    // Before anything can come: a session that stayed delivers at once.
    this.openedNs.push(Number.POSITIVE_INFINITY);
    this.#lastHeardMs = performance.now();
    try {
      const reader = await within(opening, OPEN_DEADLINE_MS);
      isOpen = true;
      this.openedNs[connection] = monotonicNs();
      this.#hasPosition = true;
      if (this.#isClosed || generation !== this.#generation) reader.reset();
      else this.#reader = reader;
    } catch (cause) {
      mayHear = false;
      this.openedNs[connection] = monotonicNs();
      // One that comes about after all is of no use any more.
      opening.then(
        (late) => late.reset(),
        () => undefined,
      );
      throw cause;
    }
  }

  #start(): ReaderStart {
    if (!this.#parts.resumes) return { from: "now", wantsRetained: false };
    return this.#hasPosition
      ? { from: "position", position: this.#position }
      : { from: "resumable" };
  }

  /** Nothing came for too long, though somebody publishes all the time. */
  #listen(): void {
    if (this.#reader === null) return;
    if (performance.now() - this.#lastHeardMs < this.#parts.silenceMs) return;
    this.#lose(this.#generation);
  }

  #lose(generation: number): void {
    if (generation !== this.#generation || this.#isClosed) return;
    this.#generation += 1;
    const reader = this.#reader;
    this.#reader = null;
    if (reader !== null) this.#position = reader.position();
    reader?.reset();
    void this.#return();
  }

  async #return(): Promise<void> {
    while (await this.#delay.pass()) {
      try {
        await this.#connect();
        return;
      } catch {
        // The gateway is still away: that is what is measured.
      }
    }
  }
}

function within<Value>(opening: Promise<Value>, deadlineMs: number): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("it took too long")), deadlineMs);
    opening.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
