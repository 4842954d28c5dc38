import { once } from "node:events";
import type { Duplex } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { type CommandKit, startCommands } from "../support/command-kit.ts";
import { Inbox } from "../support/contract/inbox.ts";

let kit: CommandKit;
const streams = new Inbox<Duplex>("MQTT stream");

afterEach(() => kit.stop());

async function connect(
  subprotocol: string,
  path = "/mqtt",
): Promise<{ client: WebSocket; stream: Duplex; messages: Inbox<Buffer> }> {
  kit = await startCommands({
    websocket: {
      acceptMqtt: (stream, peer) => {
        expect(peer.address).toBe("127.0.0.1");
        streams.push(stream);
      },
    },
  });
  const client = new WebSocket(`ws://127.0.0.1:${kit.httpPort}${path}`, subprotocol);
  const messages = new Inbox<Buffer>("message");
  client.on("message", (data: Buffer, isBinary) => {
    expect(isBinary).toBe(true);
    messages.push(data);
  });
  await once(client, "open");
  expect(client.protocol).toBe(subprotocol);
  return { client, stream: await streams.next(), messages };
}

describe("MQTT's byte stream over WebSocket", () => {
  test.each([
    ["mqtt", "/mqtt"],
    ["mqttv3.1", "/mqtt"],
    ["mqtt", "/ws"],
  ])("is handed over for %s at %s [MQTT-6.0.0-3]", async (subprotocol, path) => {
    const { client, stream } = await connect(subprotocol, path);
    client.close();
    stream.resume();
    await once(stream, "close");
  });

  test("one write is one message, and writes that waited leave as one [MQTT-6.0.0-2]", async () => {
    const { client, stream, messages } = await connect("mqtt");
    stream.write(Buffer.from([1, 2]));
    expect(await messages.next()).toEqual(Buffer.from([1, 2]));
    stream.cork();
    for (const byte of [3, 4, 5]) stream.write(Buffer.from([byte]));
    stream.uncork();
    expect(await messages.next()).toEqual(Buffer.from([3, 4, 5]));
    const large = Buffer.alloc(200_000, 7);
    stream.write(large);
    expect((await messages.next()).equals(large)).toBe(true);
    client.terminate();
    await once(stream, "close");
  });

  test("bytes of messages and fragments arrive in order, whatever their borders", async () => {
    const { client, stream } = await connect("mqtt");
    const seen: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => seen.push(chunk));
    client.send(Buffer.from([1, 2]));
    client.send(Buffer.alloc(0));
    client.send(Buffer.from([3]), { fin: false });
    client.send(Buffer.from([4]), { fin: true });
    client.close();
    await once(stream, "end");
    expect(Buffer.concat(seen)).toEqual(Buffer.from([1, 2, 3, 4]));
  });

  test("text is closed with 1003 [MQTT-6.0.0-1]", async () => {
    const { client, stream } = await connect("mqtt");
    stream.resume();
    client.send("CONNECT");
    const [code] = await once(client, "close");
    expect(code).toBe(1003);
  });

  test("a stream nobody reads stops its client, and goes on when it is read", async () => {
    const { client, stream } = await connect("mqtt");
    const chunk = Buffer.alloc(65_536, 1);
    let sent = 0;
    // What the stream, ws and both kernels hold is some megabytes.
    while (client.bufferedAmount < 1_048_576 && sent < 67_108_864) {
      client.send(chunk);
      sent += chunk.length;
      await new Promise((done) => setImmediate(done));
    }
    expect(sent).toBeLessThan(67_108_864);
    let received = 0;
    stream.on("data", (bytes: Buffer) => {
      received += bytes.length;
    });
    client.close();
    await once(stream, "end");
    expect(received).toBe(sent);
  });

  test("a peer that does not read holds the writer back", async () => {
    const { client, stream, messages } = await connect("mqtt");
    client.pause();
    let written = 0;
    while (!stream.writableNeedDrain || stream.writableLength < 1_048_576) {
      stream.write(Buffer.alloc(65_536, 2));
      written += 65_536;
      await new Promise((done) => setImmediate(done));
      expect(written).toBeLessThan(67_108_864);
    }
    client.resume();
    for (let received = 0; received < written; ) received += (await messages.next()).length;
    stream.end();
    stream.resume();
    const [code] = await once(client, "close");
    expect(code).toBe(1000);
  });

  test("destroying the stream ends the connection, and stop ends all", async () => {
    const first = await connect("mqtt");
    first.stream.destroy();
    await once(first.client, "close");
    await kit.stop();
    const second = await connect("mqtt");
    const closed = once(second.client, "close");
    await kit.stop();
    await closed;
    expect(second.stream.destroyed).toBe(true);
  });
});
