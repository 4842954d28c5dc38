import { once } from "node:events";
import net from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { COMMAND_CLIENTS, type LineClient, WebSocketClient } from "../support/command-client.ts";
import { type CommandKit, type CommandKitOptions, startCommands } from "../support/command-kit.ts";
import { maskedFrame, upgradeRequest } from "../support/raw-readers.ts";

const QUEUE = { maxMessages: 64, maxBytes: 1_048_576 };
const BIG = "x".repeat(65_536);

let kit: CommandKit;

async function start(options: CommandKitOptions = {}): Promise<void> {
  kit = await startCommands({ bus: { queue: QUEUE }, ...options });
}

afterEach(() => kit.stop());

function pauseOf(client: WebSocketClient | LineClient): { pause(): void; resume(): void } {
  return client.socket;
}

/** Lets the event loop turn, so that what was published is flushed. */
function turn(): Promise<void> {
  return new Promise((done) => setImmediate(done));
}

/** Publishes until the queue of the frozen reader has overflowed; sockets take a few MB before. */
async function publishUntil(isOver: () => boolean): Promise<number> {
  let sent = 0;
  while (!isOver()) {
    kit.publish(`pressure/${sent % 4}`, `${sent}:${BIG}`);
    sent += 1;
    await turn();
    if (sent > 2_000) throw new Error("2,000 messages of 64 KiB and the queue never overflowed");
  }
  return sent;
}

function dropsOf(transport: string, reason: string): number {
  return kit.counters
    .droppedSeries()
    .filter(({ labels }) => labels.transport === transport && labels.reason === reason)
    .reduce((sum, { count }) => sum + count, 0);
}

describe.each(COMMAND_CLIENTS)("a $name reader that stops reading", ({ name, open }) => {
  test("is disconnected by the default policy while another goes on", async () => {
    await start();
    const frozen = await open(kit);
    const other = await open(kit);
    for (const client of [frozen, other]) await client.subscribe("pressure/#");
    pauseOf(frozen).pause();
    const received: string[] = [];
    const reading = (async () => {
      for (;;) {
        const frame = await other.next();
        if (frame.type === "message") received.push(String(frame.payload).split(":", 1)[0] ?? "");
        if (frame.payload === "end") return;
      }
    })();
    const sent = await publishUntil(() => dropsOf(name, "slow_subscriber") > 0);
    kit.publish("pressure/0", "end");
    await reading;
    expect(received.slice(0, -1)).toEqual(Array.from({ length: sent }, (_, i) => String(i)));
    pauseOf(frozen).resume();
    if (frozen instanceof WebSocketClient) expect((await frozen.closing).code).toBe(4900);
    else expect(await lastError(frozen)).toBe("slow_subscriber");
    await other.close();
  });

  test.each(["drop-oldest", "keep-latest"])("is told what %s dropped", async (overflow) => {
    await start();
    const frozen = await open(kit);
    await frozen.subscribe("pressure/#", { overflow });
    pauseOf(frozen).pause();
    const reason = overflow.replace("-", "_");
    const sent = await publishUntil(() => dropsOf(name, reason) > 20);
    pauseOf(frozen).resume();
    let delivered = 0;
    let told = 0;
    let last = -1;
    // Drops are told once a second at most, so the last of them may come behind the messages.
    while (delivered + told < sent || last < sent - 1) {
      const frame = await frozen.next();
      if (frame.type === "dropped") {
        expect(frame).toMatchObject({ filter: "pressure/#", reason });
        told += Number(frame.count);
      } else if (frame.type === "message") {
        const index = Number(String(frame.payload).split(":", 1)[0]);
        expect(index).toBeGreaterThan(last);
        delivered += 1;
        last = index;
      }
    }
    expect(delivered + told).toBe(sent);
    await frozen.close();
  });

  test("recovers after the cut with its cursor and misses nothing", async () => {
    await start({ window: { maxMessages: 4_096, maxBytes: 268_435_456 } });
    const frozen = await open(kit);
    const { cursor } = await frozen.subscribe("pressure/#");
    pauseOf(frozen).pause();
    const sent = await publishUntil(() => dropsOf(name, "slow_subscriber") > 0);
    pauseOf(frozen).resume();
    let at = cursor;
    let next = 0;
    for (;;) {
      const frame = await frozen.next().catch(() => null);
      if (frame === null || frame.type === "error") break;
      if (frame.type !== "message") continue;
      expect(String(frame.payload).startsWith(`${next}:`)).toBe(true);
      at = frame.cursor;
      next += 1;
    }
    const again = await open(kit);
    again.command({ type: "subscribe", filter: "pressure/#", cursor: at });
    expect(await again.expect("subscribed")).toMatchObject({ recovered: true });
    for (; next < sent; next += 1) {
      const { payload } = await again.expect("message");
      expect(String(payload).startsWith(`${next}:`)).toBe(true);
    }
    await again.expect("live");
    await again.close();
  });

  test("is told a gap when the log no longer has what it missed", async () => {
    await start({ window: { maxMessages: 16 } });
    for (let i = 0; i < 100; i += 1) kit.publish("pressure/0", String(i));
    const client = await open(kit);
    client.command({ type: "subscribe", filter: "#", cursor: kit.bus.cursorAt(10) });
    expect(await client.expect("subscribed")).toMatchObject({ recovered: false });
    expect(await client.expect("gap")).toEqual({
      type: "gap",
      filter: "#",
      from: kit.bus.cursorAt(10),
      earliest: kit.bus.cursorAt(kit.bus.firstOffset - 1),
      reason: "retention",
    });
    for (let i = kit.bus.firstOffset - 1; i < 100; i += 1) {
      expect((await client.expect("message")).payload).toBe(String(i));
    }
    await client.expect("live");
    client.command({ type: "subscribe", filter: "#", cursor: "anotherepoch-5" });
    await client.expect("subscribed");
    expect(await client.expect("gap")).toMatchObject({ reason: "epoch", from: "anotherepoch-5" });
    for (;;) if ((await client.next()).type === "live") break;
    await client.close();
  });
});

async function lastError(client: LineClient): Promise<unknown> {
  let code: unknown = null;
  for (;;) {
    const frame = await client.next().catch(() => null);
    if (frame === null) return code;
    if (frame.type === "error") code = frame.code;
  }
}

describe("limits of one session", () => {
  test.each(COMMAND_CLIENTS)("$name: one subscription too many is refused", async ({ open }) => {
    await start({ websocket: { maxSubscriptionsPerSession: 2 } });
    const client = await open(kit);
    for (const filter of ["a", "b", "a"]) await client.subscribe(filter);
    client.command({ type: "subscribe", filter: "c" });
    expect(await client.next()).toMatchObject({ type: "error", id: 4, code: "limit_exceeded" });
    client.command({ type: "unsubscribe", filter: "a" });
    await client.expect("unsubscribed");
    await client.subscribe("c");
    await client.close();
  });

  test("publishing too fast is refused in order, and persisting is closed with 4429", async () => {
    await start({ limits: { maxPublishesPerSecond: 5 } });
    const client = await WebSocketClient.open(kit);
    for (let i = 0; i < 8; i += 1) client.command({ type: "publish", topic: "a", payload: "" });
    const answers = await client.untilPong();
    expect(answers.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(answers.slice(0, 5).every(({ type }) => type === "published")).toBe(true);
    expect(answers.at(-1)).toMatchObject({ code: "rate_limited", retryable: true });
    for (let i = 0; i < 300; i += 1) client.command({ type: "publish", topic: "a", payload: "" });
    expect((await client.closing).code).toBe(4429);
  });

  test.each([
    {
      name: "websocket",
      hello: upgradeRequest("/ws", "tributary.v1.json"),
      port: () => kit.httpPort,
    },
    { name: "tcp", hello: Buffer.alloc(0), port: () => kit.tcpPort },
  ])(
    "$name: a client that reads no answers is no longer read from",
    async ({ name, hello, port }) => {
      await start({ limits: { outbox: { highWaterBytes: 65_536, maxControlBytes: 65_536 } } });
      const socket = net.connect(port(), "127.0.0.1");
      await once(socket, "connect");
      socket.write(hello);
      await once(socket, "data");
      socket.pause();
      const text = JSON.stringify({ type: "ping", id: "x".repeat(60) });
      const command = name === "tcp" ? Buffer.from(`${text}\n`) : maskedFrame(1, Buffer.from(text));
      const commands = Buffer.concat(Array.from({ length: 1_000 }, () => command));
      // The kernel's buffers on both sides take some megabytes; past them our writes must stall.
      let sent = 0;
      while (socket.write(commands)) {
        sent += commands.length;
        await turn();
      }
      for (let i = 0; i < 200; i += 1) {
        socket.write(commands);
        await turn();
      }
      const unread = socket.writableLength;
      expect(unread).toBeGreaterThan(0);
      expect(sent).toBeLessThan(64 * 1_048_576);
      // Reading again lets every command be answered: nothing was lost on the way.
      let pongs = 0;
      socket.on("data", (chunk: Buffer) => {
        pongs += chunk.toString("latin1").split('"pong"').length - 1;
      });
      socket.resume();
      if (socket.writableLength > 0) await once(socket, "drain");
      socket.destroy();
      expect(pongs).toBeGreaterThan(0);
    },
  );
});
