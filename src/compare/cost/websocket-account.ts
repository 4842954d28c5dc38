import { inflateRawSync } from "node:zlib";
import type { WireCause } from "../comparison-result.ts";
import { Assembly, type WireAccount } from "./account.ts";
import { chargeAll, WIRE_CAUSES } from "./charge.ts";
import { binaryBytes, carrierCause, textBytes } from "./command-bytes.ts";
import { MqttPackets } from "./mqtt-account.ts";
import { type CauseBytes, type Direction, NO_BYTES, type WireTally } from "./wire-tally.ts";

/** RFC 6455 §5.2. */
const TEXT = 0x1;
const CLOSE = 0x8;
const FIRST_CONTROL = 0x8;

/** What permessage-deflate leaves out at the end of each message (RFC 7692 §7.2.2). */
const DEFLATE_TAIL = Buffer.from([0, 0, 0xff, 0xff]);

interface Frame {
  readonly isFinal: boolean;
  readonly isCompressed: boolean;
  readonly opcode: number;
  readonly headerBytes: number;
  readonly body: Buffer;
}

/** One message under assembly. */
interface Partial {
  opcode: number;
  isCompressed: boolean;
  headerBytes: number;
  readonly bodies: Buffer[];
}

/** Charges the frames of a WebSocket connection, what they carry included. */
export class WebSocketAccount implements WireAccount {
  readonly #tally: WireTally;
  /** `null` unless the subprotocol is MQTT. */
  readonly #mqtt: MqttPackets | null;
  readonly #pending = { up: new Assembly(), down: new Assembly() };
  readonly #partial: Record<Direction, Partial | null> = { up: null, down: null };

  constructor(tally: WireTally, subprotocol: string) {
    this.#tally = tally;
    this.#mqtt = subprotocol.startsWith("mqtt") ? new MqttPackets() : null;
  }

  take(direction: Direction, bytes: Buffer): void {
    const pending = this.#pending[direction];
    pending.add(bytes);
    for (let frame = cutFrame(pending); frame !== null; frame = cutFrame(pending)) {
      this.#frame(direction, frame);
    }
  }

  #frame(direction: Direction, frame: Frame): void {
    if (frame.opcode >= FIRST_CONTROL) {
      const cause = frame.opcode === CLOSE ? "handshake" : "keepAlive";
      this.#tally.add(cause, frame.headerBytes + frame.body.length);
      return;
    }
    const partial = this.#partial[direction] ?? {
      opcode: frame.opcode,
      isCompressed: frame.isCompressed,
      headerBytes: 0,
      bodies: [],
    };
    partial.headerBytes += frame.headerBytes;
    partial.bodies.push(frame.body);
    this.#partial[direction] = frame.isFinal ? null : partial;
    if (frame.isFinal) this.#message(direction, partial);
  }

  #message(direction: Direction, { opcode, isCompressed, headerBytes, bodies }: Partial): void {
    const body = Buffer.concat(bodies);
    const content = isCompressed
      ? inflateRawSync(Buffer.concat([body, DEFLATE_TAIL]), INFLATE)
      : body;
    const charged = this.#contentBytes(direction, opcode, content);
    const carrier = carrierCause(charged);
    chargeAll(this.#tally, scaled(charged, body.length));
    this.#tally.add(carrier, headerBytes);
  }

  #contentBytes(direction: Direction, opcode: number, content: Buffer): CauseBytes {
    if (this.#mqtt === null) {
      return opcode === TEXT ? textBytes(content.toString("utf8")) : binaryBytes(content);
    }
    const bytes: Record<WireCause, number> = { ...NO_BYTES };
    for (const packet of this.#mqtt.take(direction, content)) {
      bytes[packet.cause] += packet.bytes;
      bytes.payload += packet.payload;
    }
    return bytes;
  }
}

/** A message without its last block's end is no error: a peer may flush without it. */
const INFLATE = { finishFlush: 2 };

/**
 * Content that was compressed to `length` bytes: each cause bears its share, to whole bytes, and the
 * largest bears what rounding leaves.
 */
function scaled(bytes: CauseBytes, length: number): CauseBytes {
  const whole = WIRE_CAUSES.reduce((sum, cause) => sum + bytes[cause], 0);
  if (whole === length || whole === 0) return bytes;
  const shares: Record<WireCause, number> = { ...NO_BYTES };
  let [largest] = WIRE_CAUSES;
  for (const cause of WIRE_CAUSES) {
    shares[cause] = Math.floor((bytes[cause] * length) / whole);
    if (largest === undefined || bytes[cause] > bytes[largest]) largest = cause;
  }
  const rest = length - WIRE_CAUSES.reduce((sum, cause) => sum + shares[cause], 0);
  if (largest !== undefined) shares[largest] += rest;
  return shares;
}

/** Cuts one whole frame off the front and takes its mask away; `null` while it is not whole. */
function cutFrame(pending: Assembly): Frame | null {
  const { bytes } = pending;
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return null;
  const short = second & 0x7f;
  const isMasked = (second & 0x80) !== 0;
  const lengthEnd = short === 126 ? 4 : short === 127 ? 10 : 2;
  const headerBytes = lengthEnd + (isMasked ? 4 : 0);
  if (bytes.length < headerBytes) return null;
  let length = short;
  if (short === 126) length = bytes.readUInt16BE(2);
  if (short === 127) length = Number(bytes.readBigUInt64BE(2));
  if (bytes.length < headerBytes + length) return null;
  const frame = Buffer.from(pending.cut(headerBytes + length));
  const body = frame.subarray(headerBytes);
  if (isMasked) {
    for (let at = 0; at < length; at += 1) {
      body[at] = (body[at] ?? 0) ^ (frame[lengthEnd + (at & 3)] ?? 0);
    }
  }
  return {
    isFinal: (first & 0x80) !== 0,
    isCompressed: (first & 0x40) !== 0,
    opcode: first & 0x0f,
    headerBytes,
    body,
  };
}
