import { Ajv } from "ajv";
import { asyncApi, at, isJson, type Json } from "./documents.ts";
import { closed, DocumentSchemas } from "./strict-schema.ts";

let loaded: { readonly document: Json; readonly schemas: DocumentSchemas } | null = null;

function load() {
  if (loaded === null) {
    const document = closed(asyncApi()) as Json;
    loaded = { document, schemas: new DocumentSchemas(document, new Ajv({ strict: false })) };
  }
  return loaded;
}

function checkMessage(name: string, part: "payload" | "headers", value: unknown): void {
  const { document, schemas } = load();
  const schema = at(document, "components", "messages", name)[part];
  if (!isJson(schema)) throw new Error(`the AsyncAPI document has no message ${name}`);
  schemas.check(`${name} ${part}`, schema, value);
}

/** Throws unless a frame of JSON, as WebSocket and raw TCP carry it, is as the AsyncAPI document says. */
export function checkFrame(frame: unknown): void {
  const type = isJson(frame) ? String(frame.type) : "";
  checkMessage(type, "payload", frame);
}

/** The same for the header of a binary frame. */
export function checkBinaryHeader(header: unknown): void {
  checkMessage("binaryMessage", "headers", header);
}

/** One block of an event stream, as it stands on the wire. */
export interface StreamBlock {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
}

/** Throws unless a block of an event stream is as the AsyncAPI document says. */
export function checkBlock({ data, ...fields }: StreamBlock): void {
  const { event } = fields;
  const name =
    event === "message" ? "streamMessage" : event === "gap" ? "streamGap" : "streamPosition";
  checkMessage(name, "headers", fields);
  if (name !== "streamPosition") checkMessage(name, "payload", JSON.parse(data ?? ""));
}
