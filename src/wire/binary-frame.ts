import type { Message } from "../bus/message.ts";
import { GatewayError } from "../errors.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { CommandError, optionalId, readableId } from "./command.ts";
import { type CommandId, readCommandId } from "./command-id.ts";
import { Fields, parseJson } from "./fields.ts";
import { type MessageFrame, type SubscriptionDelivery, writeCommandId } from "./frame.ts";
import { readMessage, writeMessageFacts } from "./json-message.ts";
import { writeJsonText } from "./json-string.ts";
import {
  type CommandLimits,
  type PublishCommand,
  type PublishRequest,
  publishFields,
  readPublishHeader,
} from "./publish-command.ts";

/** The header's length stands in front of it as two bytes, the higher first. */
const LENGTH_BYTES = 2;
const MAX_HEADER_BYTES = 65_535;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * Writes a message as a frame of `tributary.v1.binary`: header length, header, payload. Returns
 * false, having written nothing, when the properties make the header longer than its length can
 * say; such a message goes as a text frame, which readers of this subprotocol take as well.
 */
export function encodeBinaryMessage(
  message: Message,
  out: ByteWriter,
  epoch: string,
  delivery: SubscriptionDelivery | null = null,
): boolean {
  const start = out.position;
  out.byte(0);
  out.byte(0);
  out.ascii('{"type":"message",');
  if (delivery !== null) {
    out.ascii('"subscription":');
    writeCommandId(out, delivery.subscription);
    out.ascii(",");
  }
  out.ascii('"topic":');
  writeJsonText(out, message.topic);
  const isRetained = delivery?.as === "retained";
  writeMessageFacts(message, out, isRetained ? null : epoch, isRetained);
  out.ascii("}");
  const headerBytes = out.position - start - LENGTH_BYTES;
  if (headerBytes > MAX_HEADER_BYTES) {
    out.position = start;
    return false;
  }
  out.buffer[start] = headerBytes >> 8;
  out.buffer[start + 1] = headerBytes & 0xff;
  out.bytes(message.payload);
  return true;
}

/** Reads a message frame, for a client. The payload is a view into `bytes`. Throws `bad_request`. */
export function parseBinaryMessage(bytes: Uint8Array): MessageFrame {
  const { header, payload } = splitFrame(bytes);
  const fields = new Fields(parseJson(header, "header"), "header");
  fields.oneOf("type", ["message"]);
  return {
    type: "message",
    message: readMessage(fields, payload),
    subscription: fields.has("subscription") ? readCommandId(fields, "subscription") : null,
  };
}

/**
 * Reads a publish command; its header has the fields of the JSON command but `payload` and
 * `encoding`. The payload is a view into `bytes`. Throws a {@link CommandError}, and nothing else.
 */
export function parseBinaryPublish(bytes: Uint8Array, limits: CommandLimits): PublishCommand {
  let id: CommandId | null = null;
  try {
    const { header, payload } = splitFrame(bytes);
    const value = parseJson(header, "header");
    id = readableId(value);
    const fields = new Fields(value, "publish");
    fields.oneOf("type", ["publish"]);
    return readPublishHeader(fields, optionalId(fields), payload, limits);
  } catch (error) {
    throw error instanceof GatewayError ? new CommandError(error, id) : error;
  }
}

/** The publish command as a binary frame. Throws `too_large` when its header is over 65,535 bytes. */
export function encodeBinaryPublish(request: PublishRequest): Uint8Array {
  const header = encoder.encode(JSON.stringify(publishFields(request)));
  if (header.length > MAX_HEADER_BYTES) {
    throw new GatewayError(
      "too_large",
      `header is ${header.length} bytes long; the limit is ${MAX_HEADER_BYTES}`,
    );
  }
  const bytes = new Uint8Array(LENGTH_BYTES + header.length + request.payload.length);
  bytes[0] = header.length >> 8;
  bytes[1] = header.length & 0xff;
  bytes.set(header, LENGTH_BYTES);
  bytes.set(request.payload, LENGTH_BYTES + header.length);
  return bytes;
}

function splitFrame(bytes: Uint8Array): { header: string; payload: Uint8Array } {
  const [high, low] = bytes;
  if (high === undefined || low === undefined) {
    throw new GatewayError(
      "bad_request",
      `binary frame is ${bytes.length} bytes long; its header length alone takes ${LENGTH_BYTES}`,
    );
  }
  const end = LENGTH_BYTES + ((high << 8) | low);
  if (end > bytes.length) {
    throw new GatewayError(
      "bad_request",
      `header of ${end - LENGTH_BYTES} bytes runs past the frame's ${bytes.length}`,
    );
  }
  return { header: decodeHeader(bytes.subarray(LENGTH_BYTES, end)), payload: bytes.subarray(end) };
}

function decodeHeader(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new GatewayError("bad_request", "header is not UTF-8 (RFC 3629)", { cause });
  }
}
