import type { MessageDraft } from "./message.ts";

/**
 * A digest of everything a publisher chose about a message, to tell a repeated request from another
 * one with the same key. 64 bits and the length: enough against accidents. It is no defence against
 * somebody who looks for a collision, who could only deceive himself.
 */
export function contentDigest(draft: MessageDraft): string {
  const { topic, payload, qos, retain, properties } = draft;
  const { contentType, responseTopic, correlationData, payloadFormat, expiry } = properties;
  const state: State = { a: 0x9e3779b9, b: 0x85ebca6b };
  // JSON keeps the fields apart: no two different lists have the same text.
  const fields = JSON.stringify([
    topic,
    qos,
    retain,
    contentType ?? null,
    responseTopic ?? null,
    payloadFormat ?? null,
    expiry ?? null,
    properties.userProperties ?? null,
    correlationData === undefined ? null : [...correlationData],
  ]);
  for (let i = 0; i < fields.length; i += 1) mix(state, fields.charCodeAt(i));
  mix(state, 0x10000);
  for (let i = 0; i < payload.length; i += 1) mix(state, payload[i] ?? 0);
  return `${payload.length}-${(state.a >>> 0).toString(36)}-${(state.b >>> 0).toString(36)}`;
}

interface State {
  a: number;
  b: number;
}

/** One step of two independent multiplicative hashes; the shift carries high bits down again. */
function mix(state: State, value: number): void {
  state.a = Math.imul(state.a ^ value, 0x01000193);
  state.b = Math.imul(state.b ^ value ^ (state.b >>> 15), 0x5bd1e995);
}
