import type { WireCause } from "../comparison-result.ts";
import { type CauseBytes, NO_BYTES } from "./wire-tally.ts";

/** Frames that keep a connection or its position. */
const KEEP_ALIVE_TYPES = new Set(["ping", "pong", "position"]);

/** A command or frame of our protocol by cause; what carries it is not in it. */
export function textBytes(text: string): CauseBytes {
  return commandBytes(JSON.parse(text), Buffer.byteLength(text), null);
}

/** A frame of `tributary.v1.binary`: two bytes of length, header, payload. */
export function binaryBytes(frame: Buffer): CauseBytes {
  const headerEnd = 2 + frame.readUInt16BE(0);
  const header: unknown = JSON.parse(frame.toString("utf8", 2, headerEnd));
  return commandBytes(header, frame.length, frame.length - headerEnd);
}

/** JSON messages in a list, such as a poll's answer or a bulk request, of `length` bytes in all. */
export function listBytes(messages: unknown, length: number): CauseBytes {
  const list = Array.isArray(messages) ? messages : [];
  const payload = list.reduce((sum: number, message) => sum + payloadBytes(message), 0);
  return { ...NO_BYTES, payload, envelope: length - payload };
}

/** The cause that a carrier's own bytes, such as a frame's header, are charged to. */
export function carrierCause(bytes: CauseBytes): WireCause {
  if (bytes.acknowledgement > 0) return "acknowledgement";
  if (bytes.keepAlive > 0) return "keepAlive";
  return bytes.handshake > 0 ? "handshake" : "framing";
}

function commandBytes(command: unknown, length: number, rawPayload: number | null): CauseBytes {
  const type = textField(command, "type");
  if (type === "message" || type === "publish") {
    const payload = rawPayload ?? payloadBytes(command);
    return { ...NO_BYTES, payload, envelope: length - payload };
  }
  if (type === "published") return { ...NO_BYTES, acknowledgement: length };
  if (KEEP_ALIVE_TYPES.has(type)) return { ...NO_BYTES, keepAlive: length };
  return { ...NO_BYTES, handshake: length };
}

/** The payload as its publisher had it: what base64 adds is the envelope's. */
function payloadBytes(message: unknown): number {
  const payload = textField(message, "payload");
  const isBase64 = textField(message, "encoding") === "base64";
  return Buffer.byteLength(payload, isBase64 ? "base64" : "utf8");
}

function textField(value: unknown, name: string): string {
  if (typeof value !== "object" || value === null) return "";
  const field: unknown = Object.entries(value).find(([key]) => key === name)?.[1];
  return typeof field === "string" ? field : "";
}
