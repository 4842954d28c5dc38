import { once } from "node:events";
import { expect } from "vitest";
import WebSocket from "ws";
import { conformance } from "../../support/mqtt/conformance.ts";
import { PacketWriter } from "../../support/mqtt/packets.ts";

const write = new PacketWriter(5);

conformance("5.0", (rule, broker) => {
  async function open(): Promise<WebSocket> {
    const socket = new WebSocket(broker.websocketUrl, ["mqtt"]);
    await once(socket, "open");
    return socket;
  }

  rule("[MQTT-6.0.0-4] the server selects the subprotocol mqtt", async () => {
    const socket = await open();
    expect(socket.protocol).toBe("mqtt");
    socket.terminate();
  });

  rule("[MQTT-6.0.0-1] packets leave in binary frames, and a text frame is the end", async () => {
    const socket = await open();
    const answer = once(socket, "message");
    socket.send(write.connect({ clientId: broker.unique() }));
    const [data, isBinary] = await answer;
    expect(data[0]).toBe(0x20);
    expect(isBinary).toBe(true);
    const closed = once(socket, "close");
    socket.send("text");
    await closed;
  });

  rule("[MQTT-6.0.0-2] packets may be split and joined over frames", async () => {
    const socket = await open();
    const received: Buffer[] = [];
    const pong = new Promise<void>((resolve) => {
      socket.on("message", (data: Buffer) => {
        received.push(data);
        if (Buffer.concat(received).includes(Buffer.of(0xd0, 0))) resolve();
      });
    });
    const topic = broker.unique();
    const bytes = Buffer.concat([
      write.connect({ clientId: broker.unique() }),
      write.subscribe(1, [[topic, 0]]),
      write.publish(topic, "over frames"),
      Buffer.of(0xc0, 0),
    ]);
    for (let at = 0; at < bytes.length; at += 7) socket.send(bytes.subarray(at, at + 7));
    await pong;
    expect(Buffer.concat(received).includes("over frames")).toBe(true);
    socket.terminate();
  });
});
