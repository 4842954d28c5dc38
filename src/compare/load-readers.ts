import { readStamp } from "../wire/stamp.ts";
import type { ReaderSlot } from "./block-design.ts";
import type { DriverContext, OpenReader, Reader, ReaderStart } from "./driver/driver.ts";
import { type BlockSetup, blockFilter, type Recovery } from "./load.ts";
import { blockSchedule } from "./load-sender.ts";
import { monotonicNs } from "./pacer.ts";
import { type RawRecord, Recorder } from "./recorder.ts";

/** One reader of a block, with what it needs to come back. */
interface Place {
  readonly slot: ReaderSlot;
  readonly context: DriverContext;
  readonly open: OpenReader;
  reader: Reader;
}

/** A reset whose first message has not come. */
interface Pending {
  readonly sinceNs: number;
  readonly report: { openNs: number | null; messageNs: number | null };
}

/** The readers of one block that are in this process, and what they receive. */
export class LoadReaders {
  readonly #setup: BlockSetup;
  readonly #places = new Map<number, Place>();
  readonly #recorders = new Map<number, Recorder>();
  readonly #pending = new Map<number, Pending>();
  readonly #recoveries: { reader: number; report: Pending["report"] }[] = [];
  readonly #windowStart: number;
  readonly #windowEnd: number;
  #onComplete: () => void = () => undefined;

  constructor(setup: BlockSetup) {
    this.#setup = setup;
    const schedule = blockSchedule(setup);
    this.#windowStart = schedule.windowStart;
    this.#windowEnd = schedule.shotsPerPublisher;
  }

  /** Whether every measured reader has everything. */
  get isComplete(): boolean {
    for (const { missing } of this.#recorders.values()) if (missing > 0) return false;
    return true;
  }

  async open(slot: ReaderSlot, context: DriverContext, open: OpenReader): Promise<void> {
    // What a crowd receives is load and is not recorded.
    if (slot.role !== "crowd") {
      const { publishers } = this.#setup.design;
      const recorder = new Recorder(publishers.length, this.#windowStart, this.#windowEnd);
      this.#recorders.set(slot.position, recorder);
    }
    const isResumed = this.#setup.disturbance.kind === "reset";
    const reader = await this.#subscribe(
      slot,
      context,
      open,
      isResumed ? { from: "resumable" } : { from: "now", wantsRetained: false },
    );
    this.#places.set(slot.position, { slot, context, open, reader });
  }

  /** Resets every connection and opens it again at once, after what the reader has. */
  async resetAll(): Promise<void> {
    await Promise.all([...this.#places.values()].map((place) => this.#reset(place)));
  }

  /** Resolves when {@link isComplete}. */
  complete(): Promise<void> {
    return new Promise((resolve) => {
      this.#onComplete = resolve;
      if (this.isComplete) resolve();
    });
  }

  /** By position of the reader, then of the publisher. */
  records(): RawRecord[][] {
    const { readers, publishers } = this.#setup.design;
    return readers.map(({ position }) => {
      const recorder = this.#recorders.get(position);
      return recorder === undefined ? [] : publishers.map((_, index) => recorder.raw(index));
    });
  }

  recoveries(): Recovery[] {
    return this.#recoveries.map(({ reader, report }) => ({ reader, ...report }));
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#places.values()].map(({ reader }) => reader.close()));
    this.#places.clear();
  }

  #subscribe(
    { position }: ReaderSlot,
    context: DriverContext,
    open: OpenReader,
    start: ReaderStart,
  ): Promise<Reader> {
    const filter = blockFilter(this.#setup.run);
    return open(context, { filter, start }, (payload, at) => this.#receive(position, payload, at));
  }

  async #reset(place: Place): Promise<void> {
    const { slot, context, open, reader } = place;
    const sinceNs = monotonicNs();
    const report: Pending["report"] = { openNs: null, messageNs: null };
    this.#recoveries.push({ reader: slot.position, report });
    const position = reader.position();
    reader.reset();
    this.#pending.set(slot.position, { sinceNs, report });
    place.reader = await this.#subscribe(slot, context, open, { from: "position", position });
    report.openNs = monotonicNs() - sinceNs;
  }

  #receive(reader: number, payload: Uint8Array, receivedAtNs: number): void {
    const stamp = readStamp(payload);
    if (stamp === null || stamp.run !== this.#setup.run) return;
    const recorder = this.#recorders.get(reader);
    if (recorder === undefined) return;
    const pending = this.#pending.get(reader);
    if (pending !== undefined) {
      pending.report.messageNs = receivedAtNs - pending.sinceNs;
      this.#pending.delete(reader);
    }
    recorder.receive({
      publisher: stamp.stream,
      sequence: stamp.sequence,
      intendedAtNs: stamp.intendedNs,
      sentAtNs: stamp.sentNs,
      receivedAtNs,
    });
    if (recorder.missing === 0 && this.isComplete) this.#onComplete();
  }
}
