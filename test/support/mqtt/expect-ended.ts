import { expect } from "vitest";
import { brokersUnderTest } from "./brokers.ts";
import type { RawClient } from "./raw-client.ts";
import type { Received } from "./received.ts";

/** Codes that say that a packet cannot be read, or is not allowed; the standard lets many cases be either. */
export const FAULTY = [0x81, 0x82] as const;

/** Waits for DISCONNECT with one of these reason codes and the end of the connection (MQTT 5 §4.13). */
export function expectDisconnect(
  client: RawClient,
  ...reasons: readonly number[]
): Promise<Received | null> {
  return expectEnded(client, "disconnect", reasons);
}

/** Waits for CONNACK with one of these reason codes and the end of the connection (MQTT 5 §4.13). */
export function expectRefused(
  client: RawClient,
  ...reasons: readonly number[]
): Promise<Received | null> {
  return expectEnded(client, "connack", reasons);
}

async function expectEnded(
  client: RawClient,
  by: "connack" | "disconnect",
  reasons: readonly number[],
): Promise<Received | null> {
  const ended = await client.ended();
  const wanted = reasons.map((reason) => `${by} 0x${reason.toString(16)}`);
  // The standard lets a server close without a word. The engines may not; mosquitto mostly does.
  if (brokersUnderTest().includes("mosquitto")) wanted.push("close 0x0");
  expect(wanted).toContain(`${ended.by} 0x${ended.reason.toString(16)}`);
  client.drop();
  return ended.said;
}
