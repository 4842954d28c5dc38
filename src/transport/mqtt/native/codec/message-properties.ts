import {
  expiresAt,
  type Message,
  type MessageProperties,
  NO_PROPERTIES,
} from "../../../../bus/message.ts";
import type { PropertiesOf } from "./properties.ts";

/** The properties of a PUBLISH or a will that travel with its message. */
export function messageProperties(
  sent: PropertiesOf<"publish"> | PropertiesOf<"will">,
): MessageProperties {
  const { contentType, userProperties, responseTopic, correlationData, payloadFormat } = sent;
  const { messageExpiry } = sent;
  const properties: MessageProperties = {
    ...(contentType === undefined ? {} : { contentType }),
    ...(userProperties === undefined ? {} : { userProperties }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData }),
    ...(payloadFormat === undefined ? {} : { payloadFormat }),
    ...(messageExpiry === undefined ? {} : { expiry: messageExpiry }),
  };
  return Object.keys(properties).length === 0 ? NO_PROPERTIES : properties;
}

/**
 * Seconds of its expiry a message has left at `now` (milliseconds since the Unix epoch): what it came
 * with less the whole seconds it has waited [MQTT-3.3.2-6]. `null` when it never expires; 0 or less
 * when it must not be delivered any more [MQTT-3.3.2-5].
 */
export function remainingExpirySeconds(message: Message, now: number): number | null {
  if (message.properties.expiry === undefined) return null;
  return Math.ceil((expiresAt(message) - now) / 1_000);
}
