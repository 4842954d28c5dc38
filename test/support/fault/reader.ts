import type { GatewayUrls } from "../contract/client.ts";
import type { ReaderEvent, ReaderRecord } from "./history.ts";
import type { Site } from "./site.ts";

/** A reader that comes back after every crash and writes down what it sees. */
export abstract class FaultReader {
  readonly record: ReaderRecord;
  /** Resolves when the first subscription is in force. */
  readonly ready: Promise<void>;
  readonly #seen = new Set<string>();
  #onReady: () => void = () => undefined;
  #waiting: { readonly isDone: () => boolean; readonly resolve: () => void }[] = [];

  constructor(record: ReaderRecord) {
    this.record = record;
    this.ready = new Promise((resolve) => {
      this.#onReady = resolve;
    });
  }

  /** Reads until the site closes. */
  async run(site: Site): Promise<void> {
    let after = 0;
    for (;;) {
      const place = await site.next(after);
      if (place === null) break;
      if (!(await this.#connection(place.urls))) after = place.generation;
    }
    this.close();
  }

  hasSeen(payload: string): boolean {
    return this.#seen.has(payload);
  }

  /** Resolves as soon as the condition holds; asked again after each event. */
  until(isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ isDone, resolve }));
  }

  abstract close(): void;

  /** Opens; resolves when the subscription is in force, rejects when the gateway cannot be reached. */
  protected abstract open(urls: GatewayUrls, onClosed: () => void): Promise<void>;

  protected note(event: ReaderEvent): void {
    this.record.events.push(event);
    if (event.is === "message") this.#seen.add(event.payload);
    const due = this.#waiting.filter(({ isDone }) => isDone());
    this.#waiting = this.#waiting.filter((each) => !due.includes(each));
    for (const { resolve } of due) resolve();
  }

  async #connection(urls: GatewayUrls): Promise<boolean> {
    let onClosed: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => {
      onClosed = resolve;
    });
    try {
      await this.open(urls, onClosed);
    } catch {
      // Killed meanwhile: the next lifetime is waited for.
      return false;
    }
    this.#onReady();
    await closed;
    return true;
  }
}
