import { execFile } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import net from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { MessageLog, Receipt } from "../../src/bus/ports.ts";
import type { GatewayError } from "../../src/errors.ts";
import { COMMAND_CLIENTS, LineClient, WebSocketClient } from "../support/command-client.ts";
import { type CommandKit, type CommandKitOptions, startCommands } from "../support/command-kit.ts";
import { upgradeRequest } from "../support/raw-readers.ts";

let kit: CommandKit;

async function start(options: CommandKitOptions = {}): Promise<void> {
  kit = await startCommands(options);
}

afterEach(() => kit.stop());

/** A log whose receipts are told when the test says so, in the order they were given. */
function delayReceipts(log: MessageLog): { log: MessageLog; settle: (count: number) => void } {
  const waiting: (() => void)[] = [];
  const delayed = new Proxy(log, {
    get(target, name) {
      if (name !== "append") {
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      }
      const append: MessageLog["append"] = (draft, receipt) =>
        target.append(draft, receipt === null ? null : delay(receipt));
      return append;
    },
  });
  const delay = (receipt: Receipt): Receipt => ({
    accepted: (offset) => waiting.push(() => receipt.accepted(offset)),
    refused: (error: GatewayError) => waiting.push(() => receipt.refused(error)),
  });
  const settle = (count: number) => {
    for (const tell of waiting.splice(0, count)) tell();
  };
  return { log: delayed, settle };
}

describe.each(COMMAND_CLIENTS)("a drain of $name", ({ open }) => {
  test("delivers what is queued, says so, and ends", async () => {
    await start();
    const client = await open(kit);
    await client.subscribe("#");
    for (let i = 0; i < 200; i += 1) kit.publish("a", String(i));
    const drained = kit.drain(5_000);
    for (let i = 0; i < 200; i += 1) {
      expect((await client.expect("message")).payload).toBe(String(i));
    }
    if (client instanceof WebSocketClient) expect((await client.closing).code).toBe(1001);
    else expect(await client.expect("error")).toMatchObject({ code: "draining", retryable: true });
    await drained;
    expect(kit.sessions.count).toBe(0);
  });

  test("waits for acceptances that are under way", async () => {
    let settle: (count: number) => void = () => undefined;
    await start({
      wrapLog: (log) => {
        const delayed = delayReceipts(log);
        settle = delayed.settle;
        return delayed.log;
      },
    });
    const client = await open(kit);
    client.command({ type: "publish", topic: "a", payload: "1" });
    client.command({ type: "publish", topic: "$a", payload: "refused" });
    client.command({ type: "publish", topic: "a", payload: "3" });
    expect(await client.untilPong()).toEqual([]);
    const drained = kit.drain(5_000);
    settle(1);
    expect(await client.next()).toMatchObject({ type: "published", id: 1, offset: 1 });
    expect(await client.next()).toMatchObject({ type: "error", id: 2, code: "forbidden" });
    settle(1);
    expect(await client.next()).toMatchObject({ type: "published", id: 3, offset: 2 });
    await drained;
  });

  test("is over in time when a reader does not read, and stop ends it", async () => {
    await start({ bus: { queue: { maxMessages: 10_000, maxBytes: 268_435_456 } } });
    const client = await open(kit);
    await client.subscribe("#");
    client.socket.pause();
    for (let i = 0; i < 400; i += 1) kit.publish("a", "x".repeat(65_536));
    await kit.drain(100);
    expect(kit.sessions.count).toBe(1);
    await kit.stop();
    expect(kit.sessions.count).toBe(0);
    client.socket.resume();
    expect(kit.bus.subscriptionCount).toBe(0);
  });
});

test("a handshake during a drain is answered 503", async () => {
  await start();
  await kit.drain(100);
  const asked = request({
    host: "127.0.0.1",
    port: kit.httpPort,
    path: "/ws",
    headers: { Connection: "Upgrade", Upgrade: "websocket" },
  });
  asked.end();
  const [response] = (await once(asked, "response")) as [import("node:http").IncomingMessage];
  expect(response.statusCode).toBe(503);
  expect(response.headers["retry-after"]).toBeDefined();
  response.resume();
});

describe("the heartbeat", () => {
  test("closes a WebSocket peer that answers no ping, RFC 6455 §5.5.2", async () => {
    await start({ websocket: { heartbeatMs: 40 } });
    const socket = net.connect(kit.httpPort, "127.0.0.1");
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.write(upgradeRequest("/ws", "tributary.v1.json"));
    await once(socket, "close");
    expect(Buffer.concat(chunks).includes(Buffer.from([0x89, 0]))).toBe(true);
  });

  test("keeps a peer that answers, and moves the position of an idle reader", async () => {
    await start({ websocket: { heartbeatMs: 40 } });
    const client = await WebSocketClient.open(kit);
    await client.subscribe("quiet");
    kit.publish("elsewhere", "1");
    for (let i = 0; i < 4; i += 1) {
      expect(await client.expect("position")).toMatchObject({ cursor: kit.bus.cursorAt(1) });
    }
    client.command({ type: "subscribe", filter: "#", cursor: kit.bus.cursorAt(1) });
    expect(await client.expect("subscribed")).toMatchObject({ recovered: true });
    await client.close();
  });

  test("sends position lines over TCP even to those who subscribe to nothing", async () => {
    await start({ websocket: { heartbeatMs: 40 } });
    const client = await LineClient.open(kit);
    for (let i = 0; i < 4; i += 1) await client.expect("position");
    await client.close();
  });

  test("closes a TCP peer that is silent and reads nothing", async () => {
    await start({
      websocket: { heartbeatMs: 40 },
      bus: { queue: { maxMessages: 10_000, maxBytes: 268_435_456 } },
    });
    const client = await LineClient.open(kit);
    await client.subscribe("#");
    client.socket.pause();
    for (let i = 0; i < 400; i += 1) kit.publish("a", "x".repeat(65_536));
    const [session] = kit.sessions.list();
    expect(session?.transport).toBe("tcp");
    while (kit.sessions.count > 0) await new Promise((done) => setImmediate(done));
    client.socket.resume();
    await client.closed;
  });
});

test("a defect while delivering is logged and closed with 1011, and others live on", async () => {
  let isBroken = false;
  await start({
    policy: {
      mayPublish: () => true,
      maySubscribe: () => true,
      mayReceive: (identity) => {
        if (isBroken && identity.user === "victim") throw new TypeError("a defect");
        return true;
      },
    },
  });
  const headers = { Authorization: `Basic ${btoa("victim:x")}` };
  const victim = await WebSocketClient.open(kit, [], { headers });
  const other = await WebSocketClient.open(kit);
  for (const client of [victim, other]) await client.subscribe("#");
  isBroken = true;
  kit.publish("a", "1");
  expect(await other.expect("message")).toMatchObject({ payload: "1" });
  expect((await victim.closing).code).toBe(1011);
  await other.close();
});

describe("raw TCP", () => {
  test("a client that ends its side after publishing still gets its answers", async () => {
    await start();
    const client = await LineClient.open(kit);
    client.socket.removeAllListeners("end");
    for (let i = 0; i < 50; i += 1) client.command({ type: "publish", topic: "a", payload: "x" });
    // The last line has no end but that of the stream.
    client.socket.end('{"type":"publish","id":"last","topic":"a","payload":""}');
    for (let i = 0; i < 50; i += 1) await client.expect("published");
    expect(await client.next()).toMatchObject({ type: "published", id: "last" });
    await client.closed;
  });

  test.each([
    ["a line over the limit", Buffer.alloc(13_000, 0x20), "too_large"],
    ["a line that is not UTF-8", Buffer.from([0x7b, 0xff, 0x0a]), "bad_request"],
  ])("%s is told and ends the connection, after the answers before it", async (_, bytes, code) => {
    await start({ limits: { maxPayloadBytes: 3_000 } });
    const client = await LineClient.open(kit);
    client.command({ type: "ping" });
    client.socket.write(bytes);
    await client.expect("pong");
    expect(await client.next()).toMatchObject({ type: "error", code });
    await client.closed;
  });

  test("malformed commands are answered and the connection lives", async () => {
    await start();
    const client = await LineClient.open(kit);
    for (const line of ["{", "[]", "null", '{"type":"fly","id":4}', '{"type":"ping"}']) {
      client.send(line);
      expect(await client.next()).toMatchObject({ type: "error", code: "bad_request" });
    }
    expect(await client.untilPong()).toEqual([]);
    await client.close();
  });

  test("one connection over the limit is told why", async () => {
    await start({ maxSessions: 1 });
    const client = await LineClient.open(kit);
    const second = new LineClient(kit.tcpPort);
    expect(await second.next()).toMatchObject({ type: "error", code: "limit_exceeded" });
    await second.closed;
    await client.close();
  });

  test("needs no client but bash", async () => {
    await start();
    kit.publish("room", "kept", { retain: true });
    const script = `exec 3<>/dev/tcp/127.0.0.1/${kit.tcpPort}
      echo '{"type":"subscribe","id":1,"filter":"room"}' >&3
      head -n 3 <&3`;
    const output = await new Promise<string>((done, fail) => {
      execFile("bash", ["-c", script], (error, text) => (error ? fail(error) : done(text)));
    });
    expect(output).toContain('"payload":"kept"');
  });
});
