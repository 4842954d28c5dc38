import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { RawConnection, send } from "../support/http-client.ts";
import { type HttpTestOptions, type RunningHttp, startHttp } from "../support/http-transport.ts";

let running: RunningHttp | null = null;
const opened: RawConnection[] = [];

async function start(options: HttpTestOptions = {}): Promise<RunningHttp> {
  running = await startHttp(options);
  return running;
}

function open(port: number, ...texts: string[]): RawConnection {
  const connection = new RawConnection(port);
  opened.push(connection);
  for (const text of texts) connection.write(text);
  return connection;
}

afterEach(async () => {
  for (const connection of opened.splice(0)) connection.close();
  await running?.stop();
  running = null;
});

const post = (topic: string, body: string) =>
  `POST /v1/topics/${topic} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe("bytes that are no request", () => {
  test.each([
    ["no HTTP at all", "\x16\x03\x01\x02\x00\x01\r\n\r\n"],
    ["a method with a space", "GE T / HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["a header without a colon", "GET / HTTP/1.1\r\nHost x\r\n\r\n"],
    ["a header with NUL", "GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n"],
    ["a folded header", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"],
    [
      "two lengths",
      "POST /v1/topics/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    ],
    [
      "a length and chunks",
      "POST /v1/topics/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["a negative length", "POST /v1/topics/a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"],
    [
      "a bad chunk size",
      "POST /v1/topics/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ["no Host", "GET / HTTP/1.1\r\n\r\n"],
    ["two Hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"],
  ])("%s is answered 400 or closed, and nothing is accepted", async (_name, text) => {
    const { port, bus } = await start();
    const connection = open(port, text);
    // The client ends too, as a request that is only missing its Host keeps the connection.
    connection.socket.end();
    const received = await connection.untilEnd();
    if (received !== "") {
      expect(received).toMatch(/^HTTP\/1.1 400 /);
      expect(received).toContain('"code":"bad_request"');
    }
    expect(bus.lastOffset).toBe(0);
    expect((await send(port, "GET", "/healthz")).status).toBe(200);
  });

  test("headers over their limit are answered 413", async () => {
    const { port } = await start({ http: { maxHeaderBytes: 2_000 } });
    const connection = open(port, `GET / HTTP/1.1\r\nHost: x\r\nA: ${"a".repeat(3_000)}\r\n\r\n`);
    expect(await connection.untilEnd()).toMatch(/^HTTP\/1.1 413 (.|\s)*"code":"too_large"/);
  });

  test("garbage behind a held poll closes the connection and writes nothing into its answer", async () => {
    const { port, bus } = await start();
    const poll = "GET /v1/poll?filter=a HTTP/1.1\r\nHost: x\r\n\r\n";
    const connection = open(port, poll, "\0\0\0\0\r\n\r\n");
    expect(await connection.untilEnd()).toBe("");
    while (bus.indexSize > 0) await send(port, "GET", "/healthz");
  });

  test("seeded random bytes leave the gateway serving", async () => {
    const { port } = await start();
    let seed = 20_261_121;
    const random = () => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return seed;
    };
    for (let round = 0; round < 200; round += 1) {
      const bytes = Buffer.from(Array.from({ length: 1 + (random() % 300) }, () => random() & 255));
      const prefix = ["", "GET /v1/poll?", "POST /v1/topics/", "GET /v1/stream?filter="][round % 4];
      const connection = open(port, prefix ?? "");
      connection.write(bytes);
      connection.write("\r\n\r\n");
      connection.socket.end();
      await once(connection.socket, "close");
    }
    expect((await send(port, "POST", "/v1/topics/a", { body: "x" })).status).toBe(202);
  });
});

describe("requests that do not arrive", () => {
  test("trickled headers are cut, however steadily they trickle", async () => {
    const { port } = await start({ http: { headersTimeoutMs: 300 } });
    const connections = Array.from({ length: 20 }, () =>
      open(port, "GET / HTTP/1.1\r\nHost: x\r\n"),
    );
    const trickle = setInterval(() => {
      for (const { socket } of connections) if (socket.writable) socket.write("A: b\r\n");
    }, 20);
    const answers = await Promise.all(connections.map((connection) => connection.untilEnd(3_000)));
    clearInterval(trickle);
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 400 |^$/);
  });

  test("a trickled body is cut", async () => {
    const { port, bus } = await start({ http: { headersTimeoutMs: 200, requestTimeoutMs: 400 } });
    const head = "POST /v1/topics/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n";
    const connection = open(port, head);
    const trickle = setInterval(() => {
      if (connection.socket.writable) connection.write("x");
    }, 20);
    await connection.untilEnd(3_000);
    clearInterval(trickle);
    expect(bus.lastOffset).toBe(0);
  });

  test("a connection that never asks anything is cut", async () => {
    const { port } = await start({ http: { headersTimeoutMs: 200 } });
    expect(await open(port).untilEnd(3_000)).toMatch(/^HTTP\/1.1 400 |^$/);
  });

  test("half a body and a half-closed connection publish nothing", async () => {
    const { port, bus } = await start();
    const head = "POST /v1/topics/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf";
    const connection = open(port, head);
    connection.socket.end();
    await connection.untilEnd();
    expect((await send(port, "GET", "/healthz")).status).toBe(200);
    expect(bus.lastOffset).toBe(0);
  });
});

describe("requests that are too many or too large", () => {
  test("pipelined requests are answered in order", async () => {
    const { port, bus } = await start();
    const requests = Array.from({ length: 50 }, (_, n) => post("pipe", String(n)));
    const connection = open(port, requests.join(""));
    const received = await connection.until((text) => text.split("HTTP/1.1 202").length === 51);
    const offsets = [...received.matchAll(/"offset":(\d+)/g)].map(([, offset]) => Number(offset));
    expect(offsets).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    expect(Buffer.from(bus.messageAt(50)?.payload ?? []).toString()).toBe("49");
  });

  test("polls pipelined on one connection are held up to a limit, the rest refused in their turn", async () => {
    const { port, bus } = await start();
    const polls = Array.from(
      { length: 20 },
      (_, n) => `GET /v1/poll?filter=a/${n}&timeout=1 HTTP/1.1\r\nHost: x\r\n\r\n`,
    );
    const connection = open(port, polls.join(""));
    while (bus.indexSize < 16) await send(port, "GET", "/healthz");
    const received = await connection.until((text) => text.split("HTTP/1.1 429").length === 5);
    expect(received.split("HTTP/1.1 204")).toHaveLength(17);
  });

  test("a body that declares more than the limit is refused before it is sent", async () => {
    const { port } = await start({ limits: { maxPayloadBytes: 1_000 } });
    const head = "POST /v1/topics/a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n";
    const connection = open(port, `${head}Expect: 100-continue\r\n\r\n`);
    const received = await connection.untilEnd();
    expect(received).toMatch(/^HTTP\/1.1 413 /);
    expect(received).not.toContain("100 Continue");
  });

  test("an endless refused body is cut after a while, and is not kept", async () => {
    const { port } = await start({ limits: { maxPayloadBytes: 1_000 } });
    const head = "POST /v1/topics/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    const connection = open(port, head);
    const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
    const { socket } = connection;
    const pump = () => {
      while (socket.writable && socket.write(chunk));
    };
    socket.on("drain", pump);
    pump();
    await connection.untilEnd();
    expect(connection.received === "" || connection.received.startsWith("HTTP/1.1 413")).toBe(true);
    expect(process.memoryUsage().rss).toBeLessThan(1_000_000_000);
  });

  test("connections over the limit are told so, and the others go on", async () => {
    const { port } = await start({ http: { maxConnections: 2 } });
    const get = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    const first = open(port, get);
    const second = open(port, get);
    await Promise.all([first, second].map((one) => one.until((text) => text.includes("live"))));
    const third = await send(port, "GET", "/healthz");
    expect([third.status, third.json().code, third.headers.connection]).toEqual([
      429,
      "limit_exceeded",
      "close",
    ]);
    first.received = "";
    first.write(get);
    await first.until((text) => text.includes("live"));
  });

  test("an upgrade nobody takes is refused and closed", async () => {
    const { port } = await start();
    const upgrade =
      "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    expect(await open(port, upgrade).untilEnd()).toMatch(/^HTTP\/1.1 404 /);
  });

  test("sessions over the limit of the process are refused", async () => {
    const { port } = await start({ sessions: { max: 1, maxPerAddress: 10 } });
    const stream = open(port, "GET /v1/stream?filter=a HTTP/1.1\r\nHost: x\r\n\r\n");
    await stream.until((text) => text.includes("id: "));
    const answer = await send(port, "POST", "/v1/topics/a", { body: "x" });
    expect([answer.status, answer.json().code]).toEqual([429, "limit_exceeded"]);
  });
});
