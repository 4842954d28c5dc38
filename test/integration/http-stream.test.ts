import { spawn } from "node:child_process";
import { EventSource } from "eventsource";
import { afterEach, describe, expect, test } from "vitest";
import { DEADLINE_MS, Inbox } from "../support/contract/inbox.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { RawConnection, send } from "../support/http-client.ts";
import { type HttpTestOptions, type RunningHttp, startHttp } from "../support/http-transport.ts";

let running: RunningHttp | null = null;
const opened: { close(): void }[] = [];

async function start(options: HttpTestOptions = {}): Promise<RunningHttp> {
  running = await startHttp(options);
  return running;
}

afterEach(async () => {
  for (const connection of opened.splice(0)) connection.close();
  await running?.stop();
  running = null;
});

const publish = (topic: string, body: string, query = "") =>
  send(running?.port ?? 0, "POST", `/v1/topics/${encodeURIComponent(topic)}${query}`, { body });

interface Block {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
}

/** A reader that takes the stream apart by the letter of the format, nothing of ours in between. */
class RawStream {
  readonly connection: RawConnection;
  #read = 0;

  constructor(port: number, query: string, headers = "") {
    this.connection = new RawConnection(port);
    opened.push(this.connection);
    this.connection.write(`GET /v1/stream?${query} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
  }

  async head(): Promise<string> {
    const received = await this.connection.until((text) => text.includes("\r\n\r\n"));
    const end = received.indexOf("\r\n\r\n") + 4;
    if (this.#read === 0) this.#read = end;
    return received.slice(0, end);
  }

  /** The next block that is not only a position. */
  async next(): Promise<Block> {
    for (;;) {
      const block = await this.nextBlock();
      if (block.data !== undefined) return block;
    }
  }

  async nextBlock(): Promise<Block> {
    await this.head();
    const from = this.#read;
    const received = await this.connection.until((text) => text.indexOf("\n\n", from) >= 0);
    const end = received.indexOf("\n\n", from);
    this.#read = end + 2;
    const fields = received
      .slice(from, end)
      .split("\n")
      .map((line) => line.split(": "));
    return Object.fromEntries(fields.map(([name, ...rest]) => [name, rest.join(": ")]));
  }
}

function dataOf(block: Block): Record<string, unknown> {
  return JSON.parse(Buffer.from(block.data ?? "", "latin1").toString("utf8"));
}

describe("GET /v1/stream", () => {
  test("is an event stream that no cache keeps and no proxy holds back", async () => {
    const { port } = await start();
    const head = await new RawStream(port, "filter=a").head();
    expect(head.split("\r\n")).toEqual(
      expect.arrayContaining([
        "HTTP/1.1 200 OK",
        "Content-Type: text/event-stream; charset=utf-8",
        "Cache-Control: no-store",
        "X-Accel-Buffering: no",
      ]),
    );
  });

  test("begins with the position, so that a reader cut before its first message loses none", async () => {
    const { port, bus } = await start();
    await publish("a", "before");
    const stream = new RawStream(port, "filter=a");
    expect(await stream.nextBlock()).toEqual({ id: bus.cursorAt(1) });
  });

  test("a message is an event with its cursor as id and the JSON message as data", async () => {
    const { port, bus } = await start();
    const stream = new RawStream(port, "filter=room/%2B&filter=room/%23");
    await stream.head();
    await publish("room/1", "line\r\none");
    await publish("room/2", "two");
    const first = await stream.next();
    expect([first.id, first.event]).toEqual([bus.cursorAt(1), "message"]);
    expect(dataOf(first)).toMatchObject({ topic: "room/1", payload: "line\r\none", qos: 1 });
    // Both filters match, and still the next message is the next event.
    expect(dataOf(await stream.next())).toMatchObject({ payload: "two" });
  });

  test("retained messages come first, without an id", async () => {
    const { port, bus } = await start();
    await publish("lamp", "on", "?retain=true");
    const stream = new RawStream(port, "filter=lamp");
    const kept = await stream.next();
    expect([kept.id, dataOf(kept)]).toMatchObject([undefined, { payload: "on", retained: true }]);
    expect(await stream.nextBlock()).toEqual({ id: bus.cursorAt(1) });
    await publish("lamp", "off");
    expect(dataOf(await stream.next())).toMatchObject({ payload: "off" });
  });

  test("retained=false leaves them out", async () => {
    const { port } = await start();
    await publish("lamp", "on", "?retain=true");
    const stream = new RawStream(port, "filter=lamp&retained=false");
    await stream.head();
    await publish("lamp", "off");
    expect(dataOf(await stream.next())).toMatchObject({ payload: "off" });
  });

  test("Last-Event-ID beats the cursor of the URL", async () => {
    const { port, bus } = await start();
    for (const body of ["1", "2", "3"]) await publish("a", body);
    const byUrl = new RawStream(port, `filter=a&cursor=${bus.cursorAt(1)}`);
    expect(dataOf(await byUrl.next())).toMatchObject({ payload: "2" });
    const lastEventId = `Last-Event-ID: ${bus.cursorAt(2)}\r\n`;
    const resumed = new RawStream(port, `filter=a&cursor=${bus.cursorAt(1)}`, lastEventId);
    expect(dataOf(await resumed.next())).toMatchObject({ payload: "3" });
  });

  test.each([
    ["a malformed Last-Event-ID", "filter=a", "Last-Event-ID: earliest\r\n"],
    ["a malformed cursor", "filter=a&cursor=x", ""],
    ["no filter", "", ""],
    ["an unknown parameter", "filter=a&timeout=5", ""],
  ])("refuses %s", async (_name, query, headers) => {
    const { port } = await start();
    expect(await new RawStream(port, query, headers).head()).toMatch(/^HTTP\/1.1 400 /);
  });

  test("a gap is an event, once, and delivery goes on from the earliest", async () => {
    const { port, bus } = await start();
    await publish("a", "1");
    const stream = new RawStream(port, "filter=a&cursor=otherepoch-7");
    const gap = await stream.next();
    const earliest = bus.cursorAt(0);
    expect([gap.event, gap.id]).toEqual(["gap", earliest]);
    expect(dataOf(gap)).toEqual({ type: "gap", from: "otherepoch-7", earliest, reason: "epoch" });
    expect(dataOf(await stream.next())).toMatchObject({ payload: "1" });
    const resumed = new RawStream(port, "filter=a", `Last-Event-ID: ${gap.id}\r\n`);
    expect((await resumed.next()).event).toBe("message");
  });

  test("while nothing matches, id-only blocks move the position", async () => {
    const { port, bus } = await start({ http: { stream: { positionIntervalMs: 50 } } });
    const stream = new RawStream(port, "filter=a");
    await stream.nextBlock();
    await publish("elsewhere", "x");
    let block = await stream.nextBlock();
    while (block.id === bus.cursorAt(0)) block = await stream.nextBlock();
    expect(block).toEqual({ id: bus.cursorAt(1) });
  });

  test("a stream pipelined behind another request begins when that is answered", async () => {
    const { port } = await start();
    const connection = new RawConnection(port);
    opened.push(connection);
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    connection.write(get("/v1/poll?filter=go") + get("/v1/stream?filter=a&cursor=earliest"));
    await publish("a", "early");
    await publish("go", "x");
    const received = await connection.until((text) => text.includes('"payload":"early"'));
    expect(received.indexOf('"payload":"x"')).toBeLessThan(received.indexOf("text/event-stream"));
  });

  test("a reader that stops reading is cut off, counted, and resumes without loss", async () => {
    const { port, counters, bus } = await start({
      queue: { maxMessages: 64, maxBytes: 4_000_000 },
      window: { maxBytes: 500_000_000 },
    });
    const slow = new RawStream(port, "filter=flood");
    await slow.head();
    slow.connection.socket.pause();
    const other = new RawStream(port, "filter=other");
    await other.head();
    const body = "x".repeat(65_536);
    while (bus.subscriptionCount === 2) await publish("flood", body);
    await publish("other", "undisturbed");
    expect(dataOf(await other.next())).toMatchObject({ payload: "undisturbed" });
    expect(counters.droppedSeries()).toMatchObject([
      { labels: { transport: "sse", reason: "slow_subscriber" } },
    ]);
    slow.connection.socket.resume();
    const received = await slow.connection.untilEnd();
    const lastId = [...received.matchAll(/id: ([0-9a-z-]+)\nevent: message\ndata: .*\n\n/g)].at(-1);
    const resumed = new RawStream(port, "filter=flood", `Last-Event-ID: ${lastId?.[1]}\r\n`);
    const offset = Number.parseInt(lastId?.[1]?.split("-")[1] ?? "", 36);
    expect((await resumed.next()).id).toBe(bus.cursorAt(offset + 1));
  });

  test("a stream ends at drain, after what is queued for it", async () => {
    const { port, transport } = await start();
    const stream = new RawStream(port, "filter=a");
    await stream.head();
    await publish("a", "last");
    await transport.drain(5_000);
    expect(await stream.connection.untilEnd()).toContain('"payload":"last"');
  });

  test("curl -N follows", async () => {
    const { url } = await start();
    const curl = spawn("curl", ["-sSNG", "--data-urlencode", "filter=#", `${url}/v1/stream`]);
    opened.push({ close: () => curl.kill() });
    const text = await new Promise<string>((resolve, reject) => {
      let received = "";
      let hasPublished = false;
      const deadline = setTimeout(() => reject(new Error(`late: ${received}`)), DEADLINE_MS);
      curl.stdout.on("data", (chunk: Buffer) => {
        received += chunk.toString();
        if (!hasPublished) publish("c", "seen").catch(reject);
        hasPublished = true;
        if (!received.includes('"payload":"seen"')) return;
        clearTimeout(deadline);
        resolve(received);
      });
    });
    expect(text).toContain("event: message\n");
  });

  test("EventSource, cut again and again, gets every message once, in order", async () => {
    const { port } = await start();
    const proxy = new FaultProxy({ host: "127.0.0.1", port });
    const { host, port: proxied } = await proxy.start();
    const total = 1_000;
    const inbox = new Inbox<string>("event source");
    const query = "filter=a&cursor=earliest";
    const source = new EventSource(`http://${host}:${proxied}/v1/stream?${query}`);
    opened.push(source);
    let received = 0;
    source.addEventListener("message", (event) => {
      inbox.push(String(JSON.parse(event.data).payload));
      received += 1;
      if (received % 400 === 0) proxy.cut();
    });
    for (let first = 0; first < total; first += 100) {
      const commands = Array.from({ length: 100 }, (_, n) => ({
        topic: "a",
        payload: String(first + n),
      }));
      await send(port, "POST", "/v1/publish", { body: JSON.stringify(commands) });
    }
    for (let n = 0; n < total; n += 1) expect(await inbox.next()).toBe(String(n));
    expect(proxy.cuts).toBeGreaterThan(1);
    source.close();
    await proxy.stop();
  });
});
