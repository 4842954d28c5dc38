import { GatewayError } from "../errors.ts";

/** One event as a reader of a `text/event-stream` gets it. */
export interface SseEvent {
  /** The last event id at this point; empty before the first. */
  readonly id: string;
  /** `message` when the block named none. */
  readonly event: string;
  readonly data: string;
}

/** 16 Mi characters: more than the largest default payload as base64, and an end to a bad stream. */
const MAX_EVENT_CHARACTERS = 16_777_216;

/**
 * Reads a `text/event-stream` by WHATWG HTML §9.2.6, however its bytes are cut into chunks: leading
 * byte order mark, CR, LF or CRLF, ids that hold U+0000 ignored, malformed UTF-8 as U+FFFD.
 */
export class SseDecoder {
  readonly #decoder = new TextDecoder();
  readonly #maxCharacters: number;
  /** The beginning of a line whose end has not come. */
  #partial = "";
  /** The last character was a CR: an LF that follows belongs to it. */
  #endsWithReturn = false;
  #data: string[] = [];
  #dataCharacters = 0;
  #event = "";
  #idBuffer = "";
  #lastEventId = "";
  #retryMs: number | null = null;

  constructor(maxCharacters: number = MAX_EVENT_CHARACTERS) {
    this.#maxCharacters = maxCharacters;
  }

  /** What a reader that reconnects sends as `Last-Event-ID`; moved by blocks without data, too. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  /** The delay before reconnecting that the stream asked for; `null` when it has not. */
  get retryMs(): number | null {
    return this.#retryMs;
  }

  /** Takes bytes and returns the events they complete. Throws `too_large` for an endless one. */
  push(chunk: Uint8Array): SseEvent[] {
    const events: SseEvent[] = [];
    const text = this.#decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      if (code !== 0x0a && code !== 0x0d) {
        this.#endsWithReturn = false;
        continue;
      }
      if (code === 0x0a && this.#endsWithReturn) {
        this.#endsWithReturn = false;
        start = i + 1;
        continue;
      }
      this.#endsWithReturn = code === 0x0d;
      this.#line(this.#partial + text.slice(start, i), events);
      this.#partial = "";
      start = i + 1;
    }
    this.#partial += text.slice(start);
    this.#check(this.#partial.length + this.#dataCharacters);
    return events;
  }

  #line(line: string, events: SseEvent[]): void {
    if (line === "") {
      this.#dispatch(events);
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    if (colon < 0) {
      this.#field(line, "");
      return;
    }
    const hasSpace = line.charCodeAt(colon + 1) === 0x20;
    this.#field(line.slice(0, colon), line.slice(colon + (hasSpace ? 2 : 1)));
  }

  #field(name: string, value: string): void {
    switch (name) {
      case "data":
        this.#check(this.#dataCharacters + value.length);
        this.#data.push(value);
        // The line end it is joined by counts, or a stream of empty lines could fill the memory.
        this.#dataCharacters += value.length + 1;
        return;
      case "event":
        this.#event = value;
        return;
      case "id":
        if (!value.includes("\0")) this.#idBuffer = value;
        return;
      case "retry":
        if (/^[0-9]+$/.test(value)) this.#retryMs = Number(value);
        return;
      default:
    }
  }

  #dispatch(events: SseEvent[]): void {
    this.#lastEventId = this.#idBuffer;
    if (this.#data.length > 0) {
      const data = this.#data.join("\n");
      events.push({ id: this.#lastEventId, event: this.#event || "message", data });
      this.#data = [];
      this.#dataCharacters = 0;
    }
    this.#event = "";
  }

  #check(characters: number): void {
    if (characters <= this.#maxCharacters) return;
    throw new GatewayError(
      "too_large",
      `event is longer than ${this.#maxCharacters} characters, which is the limit`,
    );
  }
}
