import type { Message, QoS } from "../../bus/message.ts";
import type { WriteBatch } from "../write-batch.ts";
import { PACKET } from "./packet-type.ts";

/** Fixed header of five bytes at most, the topic's length, the packet id. */
const HEAD_FIELDS_BYTES = 5 + 2 + 2;

/** Used from one call to the next: what is built here is copied before the next is built. */
let scratch = Buffer.allocUnsafeSlow(4_096);

/** Heads up to this length may be handed to a batch, which copies small pieces at once. */
const COPIED_AT_ONCE_BYTES = 4_000;

/** What varies between deliveries of one message. */
export interface PublishForm {
  readonly qos: QoS;
  readonly isDuplicate: boolean;
  readonly isRetained: boolean;
  /** Ignored for QoS 0. */
  readonly packetId: number;
}

/** PUBLISH of QoS 0 as every live subscriber gets it. Valid until the next call. */
export function encodeLivePublish(message: Message): Uint8Array {
  const { payload } = message;
  const length = writeHead(message, LIVE, payload.length);
  scratch.set(payload, length);
  return scratch.subarray(0, length + payload.length);
}

/** Adds one PUBLISH to the batch and returns its bytes. */
export function addPublish(batch: WriteBatch, message: Message, form: PublishForm): number {
  const { payload } = message;
  const length = writeHead(message, form, 0);
  const head = scratch.subarray(0, length);
  batch.add(length < COPIED_AT_ONCE_BYTES ? head : Uint8Array.from(head));
  batch.add(payload);
  return length + payload.length;
}

/** PUBREL (MQTT 3.1.1 §3.6). */
export function encodePubrel(packetId: number): Uint8Array {
  return Uint8Array.of((PACKET.pubrel << 4) | 2, 2, packetId >> 8, packetId & 0xff);
}

const LIVE: PublishForm = { qos: 0, isDuplicate: false, isRetained: false, packetId: 0 };

/** Writes all before the payload into the scratch buffer, leaving `room` behind it. */
function writeHead(message: Message, form: PublishForm, room: number): number {
  const { topic, payload } = message;
  // A UTF-16 unit takes at most 3 bytes of UTF-8.
  const bytes = HEAD_FIELDS_BYTES + topic.length * 3 + room;
  if (scratch.length < bytes) scratch = Buffer.allocUnsafeSlow(bytes);
  const topicBytes = Buffer.byteLength(topic);
  scratch[0] =
    (PACKET.publish << 4) |
    (form.isDuplicate ? 8 : 0) |
    (form.qos << 1) |
    (form.isRetained ? 1 : 0);
  let at = writeLength(2 + topicBytes + (form.qos > 0 ? 2 : 0) + payload.length);
  at = scratch.writeUInt16BE(topicBytes, at);
  at += scratch.write(topic, at, "utf8");
  if (form.qos > 0) at = scratch.writeUInt16BE(form.packetId, at);
  return at;
}

/** Writes a remaining length behind the first byte and returns where it ends. */
function writeLength(length: number): number {
  let left = length;
  let at = 1;
  for (;;) {
    const byte = left % 128;
    left = Math.floor(left / 128);
    scratch[at] = left > 0 ? byte | 0x80 : byte;
    at += 1;
    if (left === 0) return at;
  }
}
