import mqtt from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";
import WebSocket from "ws";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { connectPacket, publishPacket, subscribePacket } from "../support/mqtt-wire.ts";

let running: RunningGateway;
beforeEach(async () => {
  running = await startGateway();
});
afterEach(async () => {
  await running.stop();
});

const path = () => `${running.urls.http.replace("http", "ws")}/mqtt`;

test.each([0, 1, 2] as const)(
  "MQTT.js over WebSocket at QoS %i exchanges messages with MQTT over TCP, both ways",
  async (qos) => {
    const web = await mqtt.connectAsync(path(), { reconnectPeriod: 0 });
    const device = await mqtt.connectAsync(running.urls.mqtt, { reconnectPeriod: 0 });
    await web.subscribeAsync("to/web", { qos });
    await device.subscribeAsync("to/device", { qos });
    for (const [from, to, topic] of [
      [device, web, "to/web"],
      [web, device, "to/device"],
    ] as const) {
      const received = new Promise<Buffer>((resolve) => {
        to.once("message", (_topic, payload) => resolve(payload));
      });
      const payload = Buffer.from([0, 255, 128, ...Buffer.from("text")]);
      await from.publishAsync(topic, payload, { qos });
      expect(await received).toEqual(payload);
    }
    await Promise.all([web.endAsync(), device.endAsync()]);
  },
);

test("packets may be split and joined across WebSocket messages [MQTT-6.0.0-2]", async () => {
  const socket = new WebSocket(path(), "mqtt");
  const inbox: Buffer[] = [];
  await new Promise((resolve) => socket.once("open", resolve));
  const bytes = Buffer.concat([
    connectPacket(),
    subscribePacket(1, ["t", 0]),
    publishPacket("t", "x"),
  ]);
  const answered = new Promise<void>((resolve) => {
    socket.on("message", (data: Buffer) => {
      inbox.push(data);
      if (Buffer.concat(inbox).includes(publishPacket("t", "x"))) resolve();
    });
  });
  for (let i = 0; i < bytes.length; i += 3) socket.send(bytes.subarray(i, i + 3));
  await answered;
  expect(Buffer.concat(inbox).subarray(0, 4)).toEqual(Buffer.of(0x20, 2, 0, 0));
  socket.close();
});

test("messages of one tick leave in one WebSocket message", async () => {
  const socket = new WebSocket(path(), "mqtt");
  const sizes: number[] = [];
  await new Promise((resolve) => socket.once("open", resolve));
  const expected = Array.from({ length: 50 }, (_, i) => publishPacket("t", `${i}`));
  const total = Buffer.concat(expected).length;
  const done = new Promise<void>((resolve) => {
    let bytes = 0;
    socket.on("message", (data: Buffer) => {
      bytes += data.length;
      sizes.push(data.length);
      if (bytes >= 4 + 5 + total) resolve();
    });
  });
  socket.send(Buffer.concat([connectPacket(), subscribePacket(1, ["t", 0]), ...expected]));
  await done;
  expect(sizes.length).toBeLessThanOrEqual(4);
  socket.close();
});
