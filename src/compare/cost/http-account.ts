import { Assembly, type WireAccount } from "./account.ts";
import { chargeAll } from "./charge.ts";
import { listBytes, textBytes } from "./command-bytes.ts";
import { WebSocketAccount } from "./websocket-account.ts";
import { type CauseBytes, type Direction, NO_BYTES, type WireTally } from "./wire-tally.ts";

const HEAD_END = "\r\n\r\n";
const BLOCK_END = "\n\n";

/** A request whose answer has not come. */
interface Request {
  readonly kind: "publish" | "bulk" | "poll" | "stream" | "upgrade" | "other";
  readonly headBytes: number;
}

/** What the bytes of one direction are, next. */
type Part =
  | { readonly is: "head" }
  | { readonly is: "body"; readonly length: number; readonly charge: (body: Buffer) => void }
  | { readonly is: "events" };

/**
 * Charges HTTP/1.1: requests and answers, event streams, and what a connection becomes by an
 * upgrade. Bodies have a length or, being event streams, end with the connection; the gateway sends
 * no others.
 */
export class HttpAccount implements WireAccount {
  readonly #tally: WireTally;
  readonly #pending = { up: new Assembly(), down: new Assembly() };
  readonly #part: Record<Direction, Part> = { up: { is: "head" }, down: { is: "head" } };
  readonly #requests: Request[] = [];
  #upgraded: WebSocketAccount | null = null;

  constructor(tally: WireTally) {
    this.#tally = tally;
  }

  take(direction: Direction, bytes: Buffer): void {
    if (this.#upgraded !== null) {
      this.#upgraded.take(direction, bytes);
      return;
    }
    const pending = this.#pending[direction];
    pending.add(bytes);
    while (this.#upgraded === null && this.#step(direction, pending)) {
      // Goes on until what is left is no whole part.
    }
  }

  /** Whether a part was whole. */
  #step(direction: Direction, pending: Assembly): boolean {
    const part = this.#part[direction];
    if (part.is === "body") {
      if (pending.bytes.length < part.length) return false;
      this.#part[direction] = { is: "head" };
      part.charge(pending.cut(part.length));
      return true;
    }
    const mark = part.is === "head" ? HEAD_END : BLOCK_END;
    const end = pending.bytes.indexOf(mark);
    if (end < 0) return false;
    const text = pending.cut(end + mark.length).toString("latin1");
    if (part.is === "events") this.#event(text);
    else if (direction === "up") this.#request(text);
    else this.#answer(text);
    return true;
  }

  #request(head: string): void {
    const headBytes = head.length;
    const kind = kindOf(head);
    this.#requests.push({ kind, headBytes });
    const length = contentLength(head);
    const body = (charge: (bytes: Buffer) => void): void => {
      this.#part.up = length === 0 ? { is: "head" } : { is: "body", length, charge };
    };
    if (kind === "publish") body(({ length: bytes }) => this.#tally.add("payload", bytes));
    else if (kind === "bulk") body((bytes) => chargeAll(this.#tally, jsonList(bytes, null)));
    else body(({ length: bytes }) => this.#tally.add("framing", bytes));
    // What a poll costs is known when its answer comes: a message's headers, or waiting.
    if (kind === "stream" || kind === "upgrade") this.#tally.add("handshake", headBytes);
    else if (kind !== "poll") this.#tally.add("framing", headBytes);
  }

  #answer(head: string): void {
    const request = this.#requests.shift();
    const status = Number(head.slice(9, 12));
    const length = contentLength(head);
    const whole = head.length;
    this.#tally.addRequest();
    if (status === 101) {
      this.#upgrade(head);
      return;
    }
    if (request?.kind === "stream" && status === 200) {
      this.#tally.add("handshake", whole);
      this.#part.down = { is: "events" };
      return;
    }
    const charge = (bytes: CauseBytes): void => chargeAll(this.#tally, bytes);
    const body = (read: (bytes: Buffer) => CauseBytes): void => {
      if (length > 0) this.#part.down = { is: "body", length, charge: (it) => charge(read(it)) };
    };
    if (request?.kind === "publish" || request?.kind === "bulk") {
      charge({ ...NO_BYTES, acknowledgement: whole });
      body((bytes) => ({ ...NO_BYTES, acknowledgement: bytes.length }));
    } else if (request?.kind === "poll" && status === 204) {
      charge({ ...NO_BYTES, keepAlive: whole + request.headBytes });
    } else {
      charge({ ...NO_BYTES, framing: whole + (request?.kind === "poll" ? request.headBytes : 0) });
      body((bytes) => jsonList(bytes, "messages"));
    }
  }

  #upgrade(head: string): void {
    this.#tally.add("handshake", head.length);
    const subprotocol = header(head, "sec-websocket-protocol") ?? "tributary.v1.json";
    const account = new WebSocketAccount(this.#tally, subprotocol);
    this.#upgraded = account;
    for (const direction of ["up", "down"] as const) {
      const { bytes } = this.#pending[direction];
      if (bytes.length > 0) account.take(direction, bytes);
    }
  }

  /** One block of an event stream: its JSON is the envelope, what marks the block is framing. */
  #event(block: string): void {
    const data = /^data: (.*)$/m.exec(block)?.[1];
    if (data === undefined) {
      this.#tally.add("keepAlive", block.length);
      return;
    }
    const text = Buffer.from(data, "latin1").toString("utf8");
    const { payload } = listBytes([JSON.parse(text)], data.length);
    this.#tally.add("payload", payload);
    this.#tally.add("envelope", data.length - payload);
    this.#tally.add("framing", block.length - data.length);
  }
}

/** A list of messages as a whole body, or under a field of it. */
function jsonList(body: Buffer, field: string | null): CauseBytes {
  const value: unknown = JSON.parse(body.toString("utf8"));
  if (field === null) return listBytes(value, body.length);
  if (typeof value !== "object" || value === null) return textBytes("{}");
  return listBytes(Object.entries(value).find(([name]) => name === field)?.[1], body.length);
}

function kindOf(head: string): Request["kind"] {
  if (header(head, "upgrade") !== null) return "upgrade";
  if (head.startsWith("POST /v1/topics/")) return "publish";
  if (head.startsWith("POST /v1/publish ")) return "bulk";
  if (head.startsWith("GET /v1/poll?")) return "poll";
  return head.startsWith("GET /v1/stream?") ? "stream" : "other";
}

function contentLength(head: string): number {
  return Number(header(head, "content-length") ?? 0);
}

function header(head: string, name: string): string | null {
  return new RegExp(`^${name}: *([^\\r]*)`, "im").exec(head)?.[1] ?? null;
}
