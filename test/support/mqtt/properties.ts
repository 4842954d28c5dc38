import { FieldCursor, field, uint16, uint32, variableInteger } from "./wire-bytes.ts";

/** Identifier and form of each property (MQTT 5 table 2-4). */
const FORMS = {
  payloadFormat: [0x01, "byte"],
  messageExpiry: [0x02, "uint32"],
  contentType: [0x03, "text"],
  responseTopic: [0x08, "text"],
  correlationData: [0x09, "binary"],
  subscriptionIdentifier: [0x0b, "variable"],
  sessionExpiry: [0x11, "uint32"],
  assignedClientId: [0x12, "text"],
  serverKeepAlive: [0x13, "uint16"],
  authenticationMethod: [0x15, "text"],
  authenticationData: [0x16, "binary"],
  requestProblemInformation: [0x17, "byte"],
  willDelay: [0x18, "uint32"],
  requestResponseInformation: [0x19, "byte"],
  responseInformation: [0x1a, "text"],
  serverReference: [0x1c, "text"],
  reasonString: [0x1f, "text"],
  receiveMaximum: [0x21, "uint16"],
  topicAliasMaximum: [0x22, "uint16"],
  topicAlias: [0x23, "uint16"],
  maximumQos: [0x24, "byte"],
  retainAvailable: [0x25, "byte"],
  userProperty: [0x26, "pair"],
  maximumPacketSize: [0x27, "uint32"],
  wildcardAvailable: [0x28, "byte"],
  identifiersAvailable: [0x29, "byte"],
  sharedAvailable: [0x2a, "byte"],
} as const;

export type PropertyName = keyof typeof FORMS;

type Values = {
  byte: number;
  uint16: number;
  uint32: number;
  variable: number;
  text: string | Uint8Array;
  binary: Uint8Array;
  pair: readonly [string | Uint8Array, string | Uint8Array];
};

/** One property; text may be given as bytes that are no text. */
export type Property = {
  [Name in PropertyName]: readonly [name: Name, value: Values[(typeof FORMS)[Name][1]]];
}[PropertyName];

const NAMES: ReadonlyMap<number, PropertyName> = new Map(
  Object.entries(FORMS).map(([name, [id]]) => [id, name as PropertyName]),
);

/** The properties with their length before them; in any order, any of them any number of times. */
export function properties(list: readonly Property[]): Buffer {
  const bytes = Buffer.concat(list.map(property));
  return Buffer.concat([variableInteger(bytes.length), bytes]);
}

/** One property: identifier and value. */
export function property([name, value]: Property): Buffer {
  const [id, form] = FORMS[name];
  return Buffer.concat([Buffer.of(id), encode(form, value)]);
}

function encode(form: keyof Values, value: Property[1]): Buffer {
  if (typeof value === "number") {
    switch (form) {
      case "byte":
        return Buffer.of(value);
      case "uint16":
        return uint16(value);
      case "uint32":
        return uint32(value);
      default:
        return variableInteger(value);
    }
  }
  if (typeof value === "string" || value instanceof Uint8Array) return field(value);
  return Buffer.concat([field(value[0]), field(value[1])]);
}

/** The properties of a packet of the server, in their order. */
export class Properties {
  readonly list: readonly (readonly [PropertyName, unknown])[];

  constructor(list: readonly (readonly [PropertyName, unknown])[] = []) {
    this.list = list;
  }

  /** Reads them with their length. */
  static read(fields: FieldCursor): Properties {
    const section = new FieldCursor(fields.take(fields.variableInteger()));
    const list: [PropertyName, unknown][] = [];
    while (!section.isAtEnd) {
      const id = section.variableInteger();
      const name = NAMES.get(id);
      if (name === undefined) throw new Error(`the server sent the unknown property ${id}`);
      list.push([name, decode(FORMS[name][1], section)]);
    }
    return new Properties(list);
  }

  has(name: PropertyName): boolean {
    return this.list.some(([other]) => other === name);
  }

  /** Every value of this name, in order. */
  all(name: PropertyName): unknown[] {
    return this.list.filter(([other]) => other === name).map(([, value]) => value);
  }

  /** The value of this name; `undefined` without one. */
  get(name: PropertyName): unknown {
    return this.all(name)[0];
  }

  /** A number, or what holds where it is absent. */
  number(name: PropertyName, absent: number): number {
    const value = this.get(name) ?? absent;
    if (typeof value !== "number") throw new Error(`${name} is no number`);
    return value;
  }

  text(name: PropertyName): string {
    const value = this.get(name);
    if (typeof value !== "string") throw new Error(`${name} is absent or no text`);
    return value;
  }
}

function decode(form: keyof Values, fields: FieldCursor): unknown {
  switch (form) {
    case "byte":
      return fields.byte();
    case "uint16":
      return fields.uint16();
    case "uint32":
      return fields.uint32();
    case "variable":
      return fields.variableInteger();
    case "text":
      return fields.text();
    case "binary":
      return fields.binary();
    case "pair":
      return [fields.text(), fields.text()];
  }
}
