import { once } from "node:events";
import net from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import { COMMAND_CLIENTS, LineClient, WebSocketClient } from "../support/command-client.ts";
import { type CommandKit, type CommandKitOptions, startCommands } from "../support/command-kit.ts";
import { maskedFrame, upgradeRequest } from "../support/raw-readers.ts";

let kit: CommandKit;

async function start(options: CommandKitOptions = {}): Promise<void> {
  kit = await startCommands(options);
}

afterEach(() => kit.stop());

async function openRaw(): Promise<net.Socket> {
  const socket = net.connect(kit.httpPort, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(upgradeRequest("/ws", "tributary.v1.json"));
  const chunks: Buffer[] = [];
  const collect = (chunk: Buffer) => chunks.push(chunk);
  socket.on("data", collect);
  while (!Buffer.concat(chunks).includes('"welcome"')) await once(socket, "data");
  socket.off("data", collect);
  socket.pause();
  return socket;
}

/** The code of the close frame that ends what the gateway sent. */
async function closeCode(socket: net.Socket): Promise<number> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.resume();
  await once(socket, "close");
  const bytes = Buffer.concat(chunks);
  return bytes.readUInt16BE(bytes.lastIndexOf(0x88) + 2);
}

describe("hostile WebSocket peers", () => {
  test("RFC 6455 §5.1 an unmasked frame is closed with 1002", async () => {
    await start();
    const socket = await openRaw();
    socket.write(Buffer.from([0x81, 2, 0x7b, 0x7d]));
    expect(await closeCode(socket)).toBe(1002);
  });

  test.each([
    ["an unknown opcode", [0x83, 0x80, 0, 0, 0, 0]],
    ["a reserved bit", [0xc1, 0x80, 0, 0, 0, 0]],
    ["a fragmented ping", [0x09, 0x80, 0, 0, 0, 0]],
    ["a continuation of nothing", [0x80, 0x80, 0, 0, 0, 0]],
  ])("RFC 6455 §5.2 %s is closed with 1002", async (_, bytes) => {
    await start();
    const socket = await openRaw();
    socket.write(Buffer.from(bytes));
    expect(await closeCode(socket)).toBe(1002);
  });

  test("a length of exabytes is closed with 1009 before anything is kept", async () => {
    await start();
    const socket = await openRaw();
    socket.write(Buffer.from([0x81, 0xff, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    expect(await closeCode(socket)).toBe(1009);
  });

  test("a flood of pings from a peer that reads no pongs is no longer read", async () => {
    await start({ limits: { outbox: { highWaterBytes: 65_536, maxControlBytes: 65_536 } } });
    const socket = await openRaw();
    const ping = maskedFrame(9, Buffer.alloc(125, 1));
    const flood = Buffer.concat(Array.from({ length: 500 }, () => ping));
    let sent = 0;
    // The kernel's buffers take some megabytes in each direction; past them the flood must stall.
    while (socket.writableLength < 1_048_576 && sent < 134_217_728) {
      socket.write(flood);
      sent += flood.length;
      await new Promise((done) => setImmediate(done));
    }
    expect(sent).toBeLessThan(134_217_728);
    const [gatewaySide] = kit.upgraded;
    expect(gatewaySide?.writableLength).toBeLessThan(1_048_576);
    socket.destroy();
  });

  test("a close reason is cut to 123 bytes without half a character", async () => {
    await start({
      authenticator: {
        authenticate: async () => {
          throw new GatewayError("unauthenticated", `nö${"ü".repeat(200)}`);
        },
      },
    });
    const client = await WebSocketClient.open(kit);
    for (let i = 0; i < 5; i += 1) client.command({ type: "authenticate", token: "x" });
    const { code, reason } = await client.closing;
    expect(code).toBe(4401);
    expect(reason).toMatch(/^nöü+$/);
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
  });

  test("2,000 connections cut at once leave nothing behind", async () => {
    await start();
    for (let round = 0; round < 20; round += 1) {
      const clients = await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          i % 2 === 0 ? WebSocketClient.open(kit) : LineClient.open(kit),
        ),
      );
      for (const client of clients) client.command({ type: "subscribe", filter: "#" });
      for (const client of clients) {
        if (client instanceof LineClient) client.socket.resetAndDestroy();
        else client.socket.terminate();
      }
    }
    while (kit.sessions.count > 0) await new Promise((done) => setImmediate(done));
    expect(kit.bus.subscriptionCount).toBe(0);
  });
});

const field = fc.constantFrom(
  "type",
  "id",
  "topic",
  "filter",
  "payload",
  "encoding",
  "cursor",
  "retain",
  "overflow",
  "expiry",
  "userProperties",
  "token",
  "__proto__",
);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom("publish", "subscribe", "unsubscribe", "ping", "authenticate", "a/#", "$x", "+"),
);
const command = fc.oneof(
  fc.dictionary(field, value).map((fields) => JSON.stringify(fields)),
  fc.json(),
  fc.string().map((text) => text.replaceAll(/[\r\n]/g, " ")),
);

test.each(COMMAND_CLIENTS)(
  "whatever a $name client says, it is answered and lives",
  async ({ open }) => {
    await start({ websocket: { maxSubscriptionsPerSession: 1_000 } });
    const client = await open(kit);
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 20 }), async (texts) => {
        for (const text of texts) client.send(text);
        client.send('{"type":"ping","id":"mark"}');
        for (;;) {
          const frame = await client.next();
          expect(frame.code).not.toBe("internal");
          if (frame.type === "pong" && frame.id === "mark") break;
        }
      }),
      { numRuns: 200 },
    );
    await client.close();
  },
);
