import { GatewayError } from "../../errors.ts";
import { FieldReader } from "./field-reader.ts";
import { PACKET } from "./packet-type.ts";

/**
 * Checks the form of a packet that follows CONNECT, before any engine sees it: flags, lengths,
 * packet ids, UTF-8. Throws `bad_request` naming the clause; what a topic or filter may be is not
 * its matter, except where it is empty of meaning on the wire.
 */
export function checkPacket(bytes: Buffer, start: number, body: number, end: number): void {
  const header = bytes[start] ?? 0;
  const flags = header & 0x0f;
  switch (header >> 4) {
    case PACKET.publish:
      checkPublish(flags, new FieldReader(bytes, body, end));
      return;
    case PACKET.puback:
    case PACKET.pubrec:
    case PACKET.pubcomp:
      checkFlags(flags, 0);
      checkAcknowledgement(new FieldReader(bytes, body, end));
      return;
    case PACKET.pubrel:
      checkFlags(flags, 2);
      checkAcknowledgement(new FieldReader(bytes, body, end));
      return;
    case PACKET.subscribe:
      checkFlags(flags, 2);
      checkSubscribe(new FieldReader(bytes, body, end));
      return;
    case PACKET.unsubscribe:
      checkFlags(flags, 2);
      checkUnsubscribe(new FieldReader(bytes, body, end));
      return;
    case PACKET.pingreq:
    case PACKET.disconnect:
      checkFlags(flags, 0);
      if (body !== end) throw malformed("PINGREQ or DISCONNECT has a body");
      return;
    case PACKET.connect:
      throw malformed("a second CONNECT [MQTT-3.1.0-2]");
    default:
      throw malformed(`packet type ${header >> 4} is not a client's to send [MQTT-2.2.1]`);
  }
}

function checkPublish(flags: number, fields: FieldReader): void {
  const qos = (flags >> 1) & 3;
  if (qos === 3) throw malformed("PUBLISH with QoS 3 [MQTT-3.3.1-4]");
  if (qos === 0 && (flags & 8) !== 0) throw malformed("PUBLISH of QoS 0 with DUP [MQTT-3.3.1-2]");
  fields.utf8();
  if (qos > 0) checkPacketId(fields);
}

function checkAcknowledgement(fields: FieldReader): void {
  checkPacketId(fields);
  if (!fields.isAtEnd) throw malformed("an acknowledgement is longer than its packet id");
}

function checkSubscribe(fields: FieldReader): void {
  checkPacketId(fields);
  if (fields.isAtEnd) throw malformed("SUBSCRIBE names no filter [MQTT-3.8.3-3]");
  while (!fields.isAtEnd) {
    fields.utf8();
    if (fields.byte() > 2) throw malformed("SUBSCRIBE asks for a QoS above 2 [MQTT-3.8.3-4]");
  }
}

function checkUnsubscribe(fields: FieldReader): void {
  checkPacketId(fields);
  if (fields.isAtEnd) throw malformed("UNSUBSCRIBE names no filter [MQTT-3.10.3-2]");
  while (!fields.isAtEnd) fields.utf8();
}

function checkPacketId(fields: FieldReader): void {
  if (fields.uint16() === 0) throw malformed("packet id is 0 [MQTT-2.3.1-1]");
}

function checkFlags(flags: number, required: number): void {
  if (flags !== required) throw malformed("reserved header flags are wrong [MQTT-2.2.2-2]");
}

function malformed(message: string): GatewayError {
  return new GatewayError("bad_request", message);
}
