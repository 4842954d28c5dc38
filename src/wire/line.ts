import { GatewayError } from "../errors.ts";
import { ByteWriter } from "./byte-writer.ts";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Splits a byte stream into lines of UTF-8, however it is cut into chunks. A line ends with LF or
 * CRLF; empty lines are skipped. Holds at most one line of `maxLineBytes`, its CR counted.
 *
 * After it has thrown, the stream cannot be read on: what follows has no known beginning.
 */
export class LineSplitter {
  readonly #maxLineBytes: number;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  readonly #rest = new ByteWriter();

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /**
   * Calls `onLine` for every line the chunk completes, without its end. Throws `too_large` or, for
   * malformed UTF-8, `bad_request`; the lines before the bad one have been handed over by then.
   */
  push(chunk: Uint8Array, onLine: (line: string) => void): void {
    const first = chunk.indexOf(LINE_FEED);
    if (first < 0) {
      this.#keep(chunk);
      return;
    }
    let start = 0;
    if (this.#rest.position > 0) {
      this.#keep(chunk.subarray(0, first));
      this.#takeRest(onLine);
      start = first + 1;
    }
    const last = chunk.lastIndexOf(LINE_FEED);
    if (start <= last) this.#split(chunk.subarray(start, last + 1), onLine);
    this.#keep(chunk.subarray(last + 1));
  }

  /** Hands over a last line that has no end, as the stream is over. */
  end(onLine: (line: string) => void): void {
    this.#takeRest(onLine);
  }

  /** Bytes of a line that is not complete yet. */
  get pendingBytes(): number {
    return this.#rest.position;
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#check(this.#rest.position + bytes.length);
    this.#rest.bytes(bytes);
  }

  #takeRest(onLine: (line: string) => void): void {
    const bytes = this.#rest.view();
    if (bytes.length === 0) return;
    const line = this.#decode(bytes);
    this.#rest.reset();
    hand(line, onLine);
  }

  /** Whole lines, decoded at once where all are well-formed: one call instead of one a line. */
  #split(bytes: Uint8Array, onLine: (line: string) => void): void {
    let text: string | null = null;
    if (this.#areShort(bytes)) {
      try {
        text = this.#decoder.decode(bytes);
      } catch {
        // One line is malformed; going line by line hands over those before it, then throws.
      }
    }
    if (text === null) this.#splitOneByOne(bytes, onLine);
    else for (const line of text.split("\n")) hand(line, onLine);
  }

  #areShort(bytes: Uint8Array): boolean {
    if (bytes.length <= this.#maxLineBytes) return true;
    for (let start = 0; start < bytes.length; ) {
      const end = bytes.indexOf(LINE_FEED, start);
      if (end - start > this.#maxLineBytes) return false;
      start = end + 1;
    }
    return true;
  }

  #splitOneByOne(bytes: Uint8Array, onLine: (line: string) => void): void {
    for (let start = 0; start < bytes.length; ) {
      const end = bytes.indexOf(LINE_FEED, start);
      this.#check(end - start);
      hand(this.#decode(bytes.subarray(start, end)), onLine);
      start = end + 1;
    }
  }

  #check(lineBytes: number): void {
    if (lineBytes <= this.#maxLineBytes) return;
    throw new GatewayError(
      "too_large",
      `line is longer than ${this.#maxLineBytes} bytes, which is the limit`,
    );
  }

  #decode(bytes: Uint8Array): string {
    try {
      return this.#decoder.decode(bytes);
    } catch (cause) {
      throw new GatewayError("bad_request", "line is not UTF-8 (RFC 3629)", { cause });
    }
  }
}

function hand(line: string, onLine: (line: string) => void): void {
  const hasReturn = line.charCodeAt(line.length - 1) === CARRIAGE_RETURN;
  const text = hasReturn ? line.slice(0, -1) : line;
  if (text !== "") onLine(text);
}
