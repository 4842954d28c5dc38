import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocketClient } from "../support/command-client.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { send } from "../support/http-client.ts";
import type { Property } from "../support/mqtt/properties.ts";
import { RawClient } from "../support/mqtt/raw-client.ts";

const CORRELATION = Buffer.of(0, 255, 7);

/** Everything a message may carry beside its payload. */
const PROPERTIES: readonly Property[] = [
  ["payloadFormat", 1],
  ["messageExpiry", 3_600],
  ["contentType", "text/plain"],
  ["responseTopic", "answers/1"],
  ["correlationData", CORRELATION],
  ["userProperty", ["b", "1"]],
  ["userProperty", ["a", "größe"]],
  ["userProperty", ["b", "2"]],
];

const USER_PROPERTIES = [
  ["b", "1"],
  ["a", "größe"],
  ["b", "2"],
];

let running: RunningGateway;
let mqtt: RawClient;

beforeEach(async () => {
  running = await startGateway({ mqtt: { engine: "native" } });
  mqtt = await RawClient.open(Number(new URL(running.urls.mqtt).port), 5);
  await mqtt.connect({ clientId: "properties" });
});

afterEach(async () => {
  mqtt.drop();
  await running.stop();
});

async function openWebSocket(): Promise<WebSocketClient> {
  const url = `${running.urls.http.replace("http", "ws")}/ws`;
  const client = new WebSocketClient(url);
  await client.expect("welcome");
  return client;
}

function httpPort(): number {
  return Number(new URL(running.urls.http).port);
}

for (const qos of [0, 1, 2]) {
  test(`MQTT 5 to MQTT 5 at QoS ${qos}: every property arrives, in its order`, async () => {
    await mqtt.subscribe(["p", qos]);
    await mqtt.publish("q", "marker", { qos: 1 });
    mqtt.send(mqtt.write.publish("p", "x", { qos, packetId: 9, properties: PROPERTIES }));
    if (qos === 1) await mqtt.take("puback");
    if (qos === 2) await mqtt.take("pubrec");
    const { properties } = await mqtt.message();
    expect(properties.number("messageExpiry", 0)).toBeGreaterThan(3_590);
    const others = PROPERTIES.filter(([name]) => name !== "messageExpiry");
    for (const [name] of others) {
      const sent = others.filter(([each]) => each === name).map(([, value]) => value);
      expect(properties.all(name)).toEqual(sent);
    }
  });
}

test("MQTT 5 to WebSocket: every property stands in the frame", async () => {
  const reader = await openWebSocket();
  await reader.subscribe("p");
  await mqtt.publish("p", "x", { qos: 1, properties: PROPERTIES });
  const frame = await reader.expect("message");
  expect(frame).toMatchObject({
    payload: "x",
    contentType: "text/plain",
    responseTopic: "answers/1",
    correlationData: CORRELATION.toString("base64"),
    userProperties: USER_PROPERTIES,
    expiry: 3_600,
  });
  await reader.close();
});

test("WebSocket to MQTT 5: every field becomes its property", async () => {
  await mqtt.subscribe(["p", 1]);
  const writer = await openWebSocket();
  const command = {
    type: "publish",
    id: 1,
    topic: "p",
    payload: "x",
    contentType: "text/plain",
    responseTopic: "answers/1",
    correlationData: CORRELATION.toString("base64"),
    userProperties: USER_PROPERTIES,
    expiry: 3_600,
  };
  writer.send(JSON.stringify(command));
  await writer.expect("published");
  await expectEverything();
  await writer.close();
});

test("HTTP to MQTT 5: headers and query become properties", async () => {
  await mqtt.subscribe(["p", 1]);
  const answer = await send(httpPort(), "POST", "/v1/topics/p?expiry=3600", {
    headers: [
      "Host",
      "127.0.0.1",
      "Content-Type",
      "text/plain",
      "Tributary-Response-Topic",
      "answers/1",
      "Tributary-Correlation-Data",
      CORRELATION.toString("base64"),
      "Tributary-User-Property",
      "b=1",
      "Tributary-User-Property",
      `a=${Buffer.from("größe").toString("latin1")}`,
      "Tributary-User-Property",
      "b=2",
    ],
    body: "x",
  });
  expect(answer.status).toBe(202);
  await expectEverything();
});

test("MQTT 5 to HTTP: a retained message keeps its properties for polls and for GET", async () => {
  await mqtt.publish("p", "x", { qos: 1, retain: true, properties: PROPERTIES });
  const got = await send(httpPort(), "GET", "/v1/topics/p");
  expect(got.headers["content-type"]).toContain("text/plain");
  const polled = await send(httpPort(), "GET", "/v1/poll?filter=p&retained=true&timeout=0");
  expect(polled.json()).toMatchObject({
    messages: [{ responseTopic: "answers/1", userProperties: USER_PROPERTIES, retained: true }],
  });
});

async function expectEverything(): Promise<void> {
  const { payload, properties } = await mqtt.message();
  expect(payload).toBe("x");
  expect(properties.get("contentType")).toBe("text/plain");
  expect(properties.get("responseTopic")).toBe("answers/1");
  expect(properties.get("correlationData")).toEqual(CORRELATION);
  expect(properties.all("userProperty")).toEqual(USER_PROPERTIES);
  expect(properties.number("messageExpiry", 0)).toBeGreaterThan(3_590);
}
