import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeClock } from "../support/fake-clock.ts";
import { type MqttServer, startMqtt } from "../support/mqtt-server.ts";
import {
  acknowledgement,
  connectPacket,
  DISCONNECT,
  TYPE,
  WireClient,
} from "../support/mqtt-wire.ts";

const EXPIRY_SECONDS = 60;
const EXPIRY_MS = EXPIRY_SECONDS * 1_000;

let clock: FakeClock;
let server: MqttServer;
beforeEach(async () => {
  // The ticker alone: sockets and deadlines stay real.
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  clock = new FakeClock();
  server = await start(EXPIRY_SECONDS);
});
afterEach(async () => {
  await server.stop();
  vi.useRealTimers();
});

/** Starts a server that has room for one persistent session. */
function start(sessionExpirySeconds: number): Promise<MqttServer> {
  return startMqtt({ clock, options: { maxSessions: 1, sessionExpirySeconds } });
}

function kept(clientId: string) {
  return { clientId, clean: false };
}

/** Opens a persistent session with a subscription of QoS 1 to `t` and leaves it. */
async function leave(clientId: string): Promise<void> {
  const client = await WireClient.connected(server.port, kept(clientId));
  await client.subscribe(["t", 1]);
  client.send(DISCONNECT);
  await client.closed();
}

/** The return code of the CONNACK for a persistent session. */
async function returnCode(clientId: string): Promise<number | undefined> {
  const client = await WireClient.open(server.port);
  client.send(connectPacket(kept(clientId)));
  const { body } = await client.take(TYPE.connack);
  client.end();
  await client.closed();
  return body[1];
}

test("an expired session makes room for a new one, and its queue counts as dropped", async () => {
  await leave("old");
  server.publish("t", "one");
  server.publish("t", "two");
  clock.advance(EXPIRY_MS - 1);
  expect(await returnCode("new")).toBe(3);
  expect(server.dropped("session_expired")).toBe(0);
  clock.advance(1);
  expect(await returnCode("new")).toBe(0);
  expect(server.dropped("session_expired")).toBe(2);
  expect(server.bus.subscriptionCount).toBe(0);
});

test("[MQTT-3.2.2-3] a client that returns to an expired session finds none present", async () => {
  await leave("old");
  server.publish("t", "lost");
  clock.advance(EXPIRY_MS);
  const client = await WireClient.connected(server.port, kept("old"));
  expect(client.sessionPresent).toBe(false);
  await client.subscribe(["t", 1]);
  server.publish("t", "marker");
  expect((await client.message()).payload).toBe("marker");
});

test("the ticker forgets sessions whose clients do not return, and no others", async () => {
  await leave("old");
  server.publish("t", "x");
  clock.advance(EXPIRY_MS - 1);
  vi.advanceTimersByTime(1_000);
  expect(server.dropped("session_expired")).toBe(0);
  clock.advance(1);
  vi.advanceTimersByTime(1_000);
  expect(server.dropped("session_expired")).toBe(1);
  expect(server.bus.indexSize).toBe(0);
});

test("a connected client keeps its session, and absence counts from its last connection", async () => {
  await leave("old");
  clock.advance(EXPIRY_MS - 1);
  const client = await WireClient.connected(server.port, kept("old"));
  expect(client.sessionPresent).toBe(true);
  clock.advance(EXPIRY_MS);
  vi.advanceTimersByTime(1_000);
  expect(await returnCode("new")).toBe(3);
  client.send(DISCONNECT);
  await client.closed();
  clock.advance(EXPIRY_MS - 1);
  vi.advanceTimersByTime(1_000);
  const again = await WireClient.connected(server.port, kept("old"));
  expect(again.sessionPresent).toBe(true);
});

test("what the client has acknowledged by PUBREC is not counted as dropped", async () => {
  const client = await WireClient.connected(server.port, kept("old"));
  await client.subscribe(["t", 2]);
  server.publish("t", "received", 2);
  server.publish("t", "unanswered", 2);
  const { packetId } = await client.message();
  await client.message();
  client.send(acknowledgement(TYPE.pubrec, packetId));
  await client.take(TYPE.pubrel);
  client.send(DISCONNECT);
  await client.closed();
  clock.advance(EXPIRY_MS);
  vi.advanceTimersByTime(1_000);
  expect(server.dropped("session_expired")).toBe(1);
});

test("an expiry of 0 keeps sessions for ever", async () => {
  await server.stop();
  server = await start(0);
  await leave("old");
  clock.advance(10 * 365 * 86_400_000);
  vi.advanceTimersByTime(1_000);
  const client = await WireClient.connected(server.port, kept("old"));
  expect(client.sessionPresent).toBe(true);
});

test("stop leaves no ticker behind", async () => {
  expect(vi.getTimerCount()).toBeGreaterThan(0);
  await server.stop();
  expect(vi.getTimerCount()).toBe(0);
});
