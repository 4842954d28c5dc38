import { randomBytes } from "node:crypto";
import { once } from "node:events";
import net from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocketClient } from "../support/command-client.ts";
import { type CommandKit, type CommandKitOptions, startCommands } from "../support/command-kit.ts";
import { ForeignProgram } from "../support/foreign-program.ts";
import { maskedFrame, upgradeRequest } from "../support/raw-readers.ts";
import { requireTool } from "../support/tools.ts";

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const COMPRESSED = { websocket: { compression: { enabled: true, thresholdBytes: 64 } } };

let kit: CommandKit;

async function start(options: CommandKitOptions = {}): Promise<void> {
  kit = await startCommands(options);
}

afterEach(() => kit.stop());

function binaryPublish(header: Readonly<Record<string, unknown>>, payload: Uint8Array): Buffer {
  const json = Buffer.from(JSON.stringify({ type: "publish", ...header }));
  const length = Buffer.alloc(2);
  length.writeUInt16BE(json.length);
  return Buffer.concat([length, json, payload]);
}

describe("tributary.v1.binary", () => {
  test.each([
    ["empty", Buffer.alloc(0)],
    ["all byte values", ALL_BYTES],
    ["1 MiB", randomBytes(1_048_576)],
  ])("carries a payload both ways as it is: %s", async (_, payload) => {
    await start();
    const client = await WebSocketClient.open(kit, ["tributary.v1.binary"]);
    await client.subscribe("bytes");
    client.socket.send(binaryPublish({ id: 7, topic: "bytes", retain: true }, payload));
    const frames = [await client.next(), await client.next()];
    expect(frames).toContainEqual(expect.objectContaining({ type: "published", id: 7 }));
    const message = frames.find(({ type }) => type === "message");
    expect(message?.body?.equals(payload)).toBe(true);
    expect(message).not.toHaveProperty("payload");
    client.command({ type: "subscribe", filter: "bytes" });
    await client.expect("subscribed");
    if (payload.length > 0) {
      const retained = await client.expect("message");
      expect(retained).toMatchObject({ retained: true, subscription: 2 });
      expect(retained.body?.equals(payload)).toBe(true);
    }
    await client.expect("live");
    await client.close();
  });

  test("takes publishes as text as well", async () => {
    await start();
    const client = await WebSocketClient.open(kit, ["tributary.v1.binary"]);
    client.command({ type: "publish", topic: "a", payload: "text" });
    expect(await client.next()).toMatchObject({ type: "published", id: 1 });
    await client.close();
  });

  test("a bad header is answered and the connection lives", async () => {
    await start();
    const client = await WebSocketClient.open(kit, ["tributary.v1.binary"]);
    client.socket.send(binaryPublish({ id: 3, topic: "a", retian: true }, ALL_BYTES));
    expect(await client.next()).toMatchObject({ type: "error", id: 3, code: "bad_request" });
    expect(await client.untilPong()).toEqual([]);
    await client.close();
  });

  test.each([
    ["an empty frame", Buffer.alloc(0)],
    ["a header that runs past the frame", Buffer.from([1, 0, 0x7b])],
  ])("%s breaks the framing: 4400", async (_, frame) => {
    await start();
    const client = await WebSocketClient.open(kit, ["tributary.v1.binary"]);
    client.socket.send(frame);
    expect((await client.closing).code).toBe(4400);
  });
});

describe("RFC 6455", () => {
  test("§5.4 a message in fragments, with a ping between them, is one command", async () => {
    await start();
    const client = await WebSocketClient.open(kit);
    const pong = once(client.socket, "pong");
    const text = JSON.stringify({ type: "publish", id: 1, topic: "a", payload: "in parts" });
    for (const [index, letter] of [...text].entries()) {
      client.socket.send(letter, { fin: index === text.length - 1 });
      if (index === 5) client.socket.ping(ALL_BYTES.subarray(0, 125));
    }
    expect(await client.next()).toMatchObject({ type: "published", id: 1 });
    // §5.5.3: the pong repeats the ping's data.
    expect((await pong)[0]).toEqual(ALL_BYTES.subarray(0, 125));
    await client.close();
  });

  test("§7.4.1 a message over ⌈4/3 · max payload⌉ + 8 KiB is closed with 1009", async () => {
    await start({ limits: { maxPayloadBytes: 3_000 } });
    const client = await WebSocketClient.open(kit);
    client.send(" ".repeat(4_000 + 8_192));
    expect(await client.next()).toMatchObject({ type: "error", code: "bad_request" });
    client.send(" ".repeat(4_000 + 8_193));
    expect((await client.closing).code).toBe(1009);
  });

  test("§8.1 text that is not UTF-8 is closed with 1007", async () => {
    await start();
    const client = await WebSocketClient.open(kit);
    client.socket.send(Buffer.from([0x7b, 0xff]), { binary: false });
    expect((await client.closing).code).toBe(1007);
  });

  test("§7.4.1 a binary frame on the JSON subprotocol is closed with 1003", async () => {
    await start();
    const client = await WebSocketClient.open(kit);
    client.command({ type: "ping" });
    client.socket.send(ALL_BYTES);
    client.command({ type: "ping" });
    expect((await client.next()).type).toBe("pong");
    expect((await client.closing).code).toBe(1003);
  });

  test("§5.4 more fragments than allowed end the connection", async () => {
    await start({ websocket: { maxFragments: 16 } });
    const client = await WebSocketClient.open(kit);
    for (let i = 0; i < 17; i += 1) client.socket.send(" ", { fin: false });
    expect((await client.closing).code).toBe(1008);
  });

  test("§5.5.1 no data frame follows our close frame, whoever closes", async () => {
    await start();
    const socket = net.connect(kit.httpPort, "127.0.0.1");
    socket.write(upgradeRequest("/ws", "tributary.v1.json"));
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    while (!Buffer.concat(chunks).includes('"welcome"')) await once(socket, "data");
    const command = Buffer.from('{"type":"publish","id":1,"topic":"a","payload":""}');
    const close = maskedFrame(8, Buffer.from([0x03, 0xe8]));
    // In one read: the answers are still queued when the close frame is.
    socket.write(Buffer.concat([maskedFrame(1, command), close, maskedFrame(1, command)]));
    await once(socket, "close");
    const bytes = Buffer.concat(chunks);
    expect(bytes.includes('"published"')).toBe(true);
    expect(bytes.subarray(-4)).toEqual(Buffer.from([0x88, 2, 0x03, 0xe8]));
  });
});

describe("RFC 7692 permessage-deflate", () => {
  test("is not negotiated unless it is enabled", async () => {
    await start();
    const client = await WebSocketClient.open(kit, [], { perMessageDeflate: true });
    expect(client.socket.extensions).toBe("");
    await client.close();
  });

  test("compresses messages over the threshold, once for all who agreed", async () => {
    await start(COMPRESSED);
    const text = "abcdefgh".repeat(10_000);
    const clients = [
      await WebSocketClient.open(kit, [], { perMessageDeflate: true }),
      await WebSocketClient.open(kit, ["tributary.v1.binary"], { perMessageDeflate: true }),
      await WebSocketClient.open(kit),
    ];
    for (const client of clients) await client.subscribe("big");
    for (const payload of [text, "small", text]) kit.publish("big", payload);
    for (const client of clients) {
      for (const payload of [text, "small", text]) {
        const message = await client.expect("message");
        expect(message.body?.toString() ?? message.payload).toBe(payload);
      }
    }
    expect(clients[0]?.socket.extensions).toMatch(/permessage-deflate/);
    expect(bytesWritten(0)).toBeLessThan(5_000);
    expect(bytesWritten(1)).toBeLessThan(5_000);
    expect(bytesWritten(2)).toBeGreaterThan(160_000);
    for (const client of clients) await client.close();
  });

  test("takes compressed commands, and sends retained messages compressed", async () => {
    await start(COMPRESSED);
    const options = { perMessageDeflate: { threshold: 0 } };
    const client = await WebSocketClient.open(kit, [], options);
    const payload = "x".repeat(50_000);
    client.command({ type: "publish", topic: "a", payload, retain: true });
    await client.expect("published");
    client.command({ type: "subscribe", filter: "a" });
    await client.expect("subscribed");
    expect((await client.expect("message")).payload).toBe(payload);
    await client.close();
  });

  test("a small frame that inflates past the limit is closed with 1009", async () => {
    await start({ ...COMPRESSED, limits: { maxPayloadBytes: 1_000 } });
    const client = await WebSocketClient.open(kit, [], { perMessageDeflate: { threshold: 0 } });
    client.send(" ".repeat(10_000_000));
    expect((await client.closing).code).toBe(1009);
  });
});

function bytesWritten(place: number): number {
  const socket = kit.upgraded[place];
  if (!(socket instanceof net.Socket)) throw new Error(`no connection ${place}`);
  return socket.bytesWritten;
}

const PYTHON = `
import asyncio, json, sys, websockets
async def main():
    kwargs = {} if sys.argv[2] == "deflate" else {"compression": None}
    async with websockets.connect(sys.argv[1], subprotocols=["tributary.v1.json"], **kwargs) as ws:
        assert json.loads(await ws.recv())["type"] == "welcome"
        await ws.send(json.dumps({"type": "subscribe", "id": 1, "filter": "py/#"}))
        assert json.loads(await ws.recv())["type"] == "subscribed"
        assert json.loads(await ws.recv())["type"] == "live"
        await ws.send(json.dumps({"type": "publish", "id": 2, "topic": "py/1", "payload": "grüße " * 50}))
        seen = [json.loads(await ws.recv()) for _ in range(2)]
        message = [frame for frame in seen if frame["type"] == "message"][0]
        await (await ws.ping())
        extensions = [type(each).__name__ for each in getattr(ws, "extensions", [])]
        print(json.dumps([ws.subprotocol, message["payload"], extensions]), flush=True)
asyncio.run(main())
`;

describe("python3-websockets, a client nobody here wrote", () => {
  for (const [mode, extensions] of [
    ["deflate", ["PerMessageDeflate"]],
    ["plain", []],
  ] as const) {
    test.skipIf(requireTool("python3-websockets"))(`exchanges messages, ${mode}`, async () => {
      await start(COMPRESSED);
      const program = new ForeignProgram("/usr/bin/python3", ["-c", PYTHON, kit.wsUrl, mode]);
      expect(JSON.parse(await program.line())).toEqual([
        "tributary.v1.json",
        "grüße ".repeat(50),
        extensions,
      ]);
      expect(await program.exit()).toBe(0);
    });
  }
});
