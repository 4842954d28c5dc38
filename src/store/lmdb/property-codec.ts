import { type MessageProperties, NO_PROPERTIES } from "../../bus/message.ts";
import { CorruptedError } from "./store-fault.ts";

const NOTHING = Buffer.alloc(0);

/**
 * The properties of a message as JSON, correlation data in base64; empty for none. JSON because few
 * messages have any, and because it is read for years after it was written.
 */
export function encodeProperties(properties: MessageProperties): Buffer {
  if (properties === NO_PROPERTIES) return NOTHING;
  const { correlationData, ...rest } = properties;
  const correlation =
    correlationData === undefined ? {} : { correlationData: base64(correlationData) };
  return Buffer.from(JSON.stringify({ ...rest, ...correlation }));
}

/** Reads what {@link encodeProperties} wrote. Throws {@link CorruptedError}. */
export function decodeProperties(bytes: Uint8Array): MessageProperties {
  if (bytes.length === 0) return NO_PROPERTIES;
  try {
    const { correlationData, ...rest } = JSON.parse(asBuffer(bytes).toString()) as Stored;
    if (correlationData === undefined) return rest;
    return { ...rest, correlationData: new Uint8Array(Buffer.from(correlationData, "base64")) };
  } catch (cause) {
    throw new CorruptedError("the properties of a logged message are damaged", { cause });
  }
}

type Stored = Omit<MessageProperties, "correlationData"> & { readonly correlationData?: string };

function base64(bytes: Uint8Array): string {
  return asBuffer(bytes).toString("base64");
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
