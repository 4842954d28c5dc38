import type { ByteWriter } from "../../../../wire/byte-writer.ts";
import {
  beginProperties,
  endProperties,
  fitsField,
  MAX_FIELD_BYTES,
  writeBinary,
  writeText,
  writeUint16,
  writeUint32,
  writeVariableInteger,
} from "./packet-writing.ts";
import {
  PROPERTIES,
  type PropertiesOf,
  type PropertyForm,
  type PropertyName,
  type UserProperties,
} from "./properties.ts";

/** Packets of the server whose properties explain a refusal: they may be written without. */
export type ExplainedPlace =
  | "connack"
  | "puback"
  | "pubrec"
  | "pubrel"
  | "pubcomp"
  | "suback"
  | "unsuback"
  | "disconnect"
  | "auth";

const FORMS: ReadonlyMap<string, PropertyForm> = new Map(Object.entries(PROPERTIES));

const EXPLANATIONS: ReadonlySet<string> = new Set<PropertyName>(["reasonString", "userProperties"]);

/**
 * Writes properties, their length first; reason string and user properties only when `isExplained`.
 * A text or binary value longer than 65,535 bytes, which no packet can carry, is left out.
 */
export function writeProperties<Place extends ExplainedPlace>(
  out: ByteWriter,
  properties: PropertiesOf<Place>,
  isExplained: boolean,
): void {
  const start = beginProperties(out);
  for (const [name, value] of Object.entries(properties)) {
    const form = FORMS.get(name);
    if (form === undefined || (!isExplained && EXPLANATIONS.has(name))) continue;
    writeProperty(out, form, value);
  }
  endProperties(out, start);
}

function writeProperty(out: ByteWriter, { id, type }: PropertyForm, value: unknown): void {
  if (typeof value === "string") {
    writeTextProperty(out, id, value);
  } else if (value instanceof Uint8Array) {
    writeBinaryProperty(out, id, value);
  } else if (typeof value === "number") {
    out.byte(id);
    if (type === "flag") out.byte(value);
    else if (type === "uint16") writeUint16(out, value);
    else writeUint32(out, value);
  } else if (Array.isArray(value) && type === "pairs") {
    // The table pairs this type with lists of pairs of texts only.
    writeUserProperties(out, value as UserProperties);
  }
}

export function writeUint32Property(out: ByteWriter, id: number, value: number): void {
  out.byte(id);
  writeUint32(out, value);
}

export function writeTextProperty(out: ByteWriter, id: number, text: string): void {
  if (!fitsField(text)) return;
  out.byte(id);
  writeText(out, text);
}

export function writeBinaryProperty(out: ByteWriter, id: number, bytes: Uint8Array): void {
  if (bytes.length > MAX_FIELD_BYTES) return;
  out.byte(id);
  writeBinary(out, bytes);
}

/** Writes each pair in order [MQTT-3.3.2-18]. */
export function writeUserProperties(out: ByteWriter, pairs: UserProperties): void {
  for (const [name, value] of pairs) {
    if (!fitsField(name) || !fitsField(value)) continue;
    out.byte(PROPERTIES.userProperties.id);
    writeText(out, name);
    writeText(out, value);
  }
}

/** Writes one identifier of a subscription that matched (§3.3.2.3.8). */
export function writeSubscriptionIdentifier(out: ByteWriter, identifier: number): void {
  out.byte(PROPERTIES.subscriptionIdentifiers.id);
  writeVariableInteger(out, identifier);
}
