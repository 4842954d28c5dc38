import { encodeBinaryPublish, parseBinaryMessage } from "../wire/binary-frame.ts";
import type { ServerFrame } from "../wire/frame.ts";
import { parseServerFrame } from "../wire/frame-parser.ts";
import { encodePublish, type PublishRequest } from "../wire/publish-command.ts";

/** How publishes are written and frames are read: the two subprotocols differ in nothing else. */
export interface ClientForm {
  readonly subprotocol: string;
  publish(request: PublishRequest): string | Uint8Array;
  /** Throws `bad_request` for anything the gateway would never say. */
  read(frame: string | Uint8Array): ServerFrame;
}

/** Every frame is JSON text; also the form of raw TCP. */
export const JSON_FORM: ClientForm = {
  subprotocol: "tributary.v1.json",
  publish: encodePublish,
  read: (frame) =>
    parseServerFrame(typeof frame === "string" ? frame : new TextDecoder().decode(frame)),
};

/** Messages and publishes carry their payload as it is; all else is JSON text. */
export const BINARY_FORM: ClientForm = {
  subprotocol: "tributary.v1.binary",
  publish: encodeBinaryPublish,
  read: (frame) =>
    typeof frame === "string" ? parseServerFrame(frame) : parseBinaryMessage(frame),
};
