import type { PacketFields } from "./packet-fields.ts";
import { malformed, protocolError } from "./packet-error.ts";
import {
  PROPERTIES,
  type PropertiesOf,
  type PropertyForm,
  type PropertyName,
  type PropertyPlace,
} from "./properties.ts";

interface NamedForm extends PropertyForm {
  readonly name: string;
}

/** Forms by their identifier. */
const FORMS: (NamedForm | undefined)[] = [];
for (const [name, form] of Object.entries<PropertyForm>(PROPERTIES)) {
  FORMS[form.id] = { ...form, name };
}

const NONE = Object.freeze({});

/**
 * Reads the properties of a packet that a client sent, their length first. Throws a
 * {@link PacketError}: malformed for what cannot be read or has no place here, protocol error for a
 * repeated or forbidden value (§2.2.2.2).
 */
export function readProperties<Place extends PropertyPlace>(
  fields: PacketFields,
  place: Place,
): PropertiesOf<Place> {
  const length = fields.variableInteger();
  if (length === 0) return NONE;
  const section = fields.section(length);
  const values: Partial<Record<string, unknown>> = {};
  while (!section.isAtEnd) {
    const form = formFor(section.variableInteger(), place);
    values[form.name] = readValue(section, form, place, values[form.name]);
  }
  const name: PropertyName = "authenticationData";
  if (values[name] !== undefined && values.authenticationMethod === undefined) {
    throw protocolError("authentication data without a method (§3.1.2.11.10)");
  }
  // The table gave each name a value of its type, and let in only what has its place here.
  return values as PropertiesOf<Place>;
}

function formFor(id: number, place: PropertyPlace): NamedForm {
  const form = FORMS[id];
  if (form === undefined) throw malformed(`0x${id.toString(16)} is no property (§2.2.2.2)`);
  if (!form.places.includes(place)) {
    throw malformed(`property ${form.name} has no place in ${place} (§2.2.2.2)`);
  }
  if (form.serverOnly?.includes(place) === true) {
    throw protocolError(`property ${form.name} in ${place} is the server's to send`);
  }
  return form;
}

function readValue(
  fields: PacketFields,
  form: NamedForm,
  place: PropertyPlace,
  before: unknown,
): unknown {
  const { name } = form;
  switch (form.type) {
    case "pairs":
      return append(before, [fields.text(name), fields.text(name)] as const);
    case "identifiers":
      if (before !== undefined && place !== "publish") throw repeated(name);
      return append(before, nonZero(form, fields.variableInteger()));
    default:
      if (before !== undefined) throw repeated(name);
      return readSingle(fields, form);
  }
}

function readSingle(fields: PacketFields, form: NamedForm): number | string | Uint8Array {
  switch (form.type) {
    case "flag":
      return flag(form.name, fields.byte());
    case "uint16":
      return nonZero(form, fields.uint16());
    case "uint32":
      return nonZero(form, fields.uint32());
    case "binary":
      return fields.binary();
    case "topic":
      return topic(form.name, fields.text(form.name));
    default:
      return fields.text(form.name);
  }
}

/** Adds to the list that was made for the first of its kind. */
function append(before: unknown, value: unknown): unknown[] {
  if (!Array.isArray(before)) return [value];
  before.push(value);
  return before;
}

function flag(name: string, value: number): number {
  if (value > 1) throw protocolError(`property ${name} is ${value}; it may be 0 or 1`);
  return value;
}

function nonZero(form: NamedForm, value: number): number {
  if (value === 0 && form.isNeverZero === true) {
    throw protocolError(`property ${form.name} is 0, which it may not be`);
  }
  return value;
}

/** A topic to answer to holds no wildcard [MQTT-3.3.2-14] and is not empty [MQTT-4.7.3-1]. */
function topic(name: string, text: string): string {
  if (text.length === 0 || text.includes("+") || text.includes("#")) {
    throw protocolError(`property ${name} is no topic [MQTT-3.3.2-14]`);
  }
  return text;
}

function repeated(name: string): Error {
  return protocolError(`property ${name} stands more than once (§2.2.2.2)`);
}
