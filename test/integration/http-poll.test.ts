import http from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import type { MessageLog } from "../../src/bus/ports.ts";
import { type Answer, send } from "../support/http-client.ts";
import { type HttpTestOptions, type RunningHttp, startHttp } from "../support/http-transport.ts";

let running: RunningHttp | null = null;

async function start(options: HttpTestOptions = {}): Promise<RunningHttp> {
  running = await startHttp(options);
  return running;
}

afterEach(async () => {
  await running?.stop();
  running = null;
});

const poll = (query: string, agent?: http.Agent) => {
  if (running === null) throw new Error("not started");
  return send(running.port, "GET", `/v1/poll?${query}`, agent === undefined ? {} : { agent });
};

const publish = (topic: string, body: string | Buffer, query = "") => {
  if (running === null) throw new Error("not started");
  return send(running.port, "POST", `/v1/topics/${encodeURIComponent(topic)}${query}`, { body });
};

function messagesOf(answer: Answer): Record<string, unknown>[] {
  const { messages } = answer.json();
  if (!Array.isArray(messages)) throw new Error(`${answer.status} ${answer.body}`);
  return messages;
}

const payloads = (answer: Answer) => messagesOf(answer).map(({ payload }) => payload);

/** Resolves once `count` polls are held: asked of the gateway itself, as an operator would. */
async function held(count: number): Promise<void> {
  for (;;) {
    const status = await send(running?.port ?? 0, "GET", "/v1/status");
    if (status.json().heldPolls === count) return;
  }
}

describe("GET /v1/poll", () => {
  test("an empty poll with timeout=0 is answered 204 with the cursor, and never held", async () => {
    const { bus } = await start();
    const answer = await poll("filter=a&timeout=0");
    expect([answer.status, answer.headers["tributary-cursor"]]).toEqual([204, bus.cursorAt(0)]);
    expect(answer.headers["cache-control"]).toBe("no-store");
  });

  test("messages after the cursor come at once, with the next cursor", async () => {
    const { bus } = await start();
    const from = bus.cursorAt(0);
    await publish("room/1", "one");
    await publish("other", "no");
    await publish("room/2", Buffer.from([0xff]));
    const answer = await poll(`filter=room/%2B&cursor=${from}`);
    expect(answer.status).toBe(200);
    expect(answer.headers["cache-control"]).toBe("no-store");
    expect(answer.json()).toMatchObject({
      epoch: bus.epoch,
      cursor: bus.cursorAt(3),
      upToDate: true,
      messages: [
        { topic: "room/1", payload: "one", encoding: "utf8", qos: 1, ingress: "http" },
        { topic: "room/2", payload: "/w==", encoding: "base64", cursor: bus.cursorAt(3) },
      ],
    });
  });

  test("a held poll is answered by the next matching message", async () => {
    await start();
    const waiting = poll("filter=room/%23");
    await held(1);
    await publish("elsewhere", "no");
    await publish("room/1", "yes");
    expect(payloads(await waiting)).toEqual(["yes"]);
  });

  test("a burst comes in one answer", async () => {
    const { port } = await start();
    const waiting = poll("filter=burst");
    await held(1);
    const commands = [1, 2, 3].map((n) => ({ topic: "burst", payload: String(n) }));
    await send(port, "POST", "/v1/publish", { body: JSON.stringify(commands) });
    expect(payloads(await waiting)).toEqual(["1", "2", "3"]);
  });

  test("a message that matches several filters comes once", async () => {
    await start();
    const waiting = poll("filter=a/b&filter=a/%2B&filter=%23");
    await held(1);
    await publish("a/b", "x");
    expect(payloads(await waiting)).toEqual(["x"]);
  });

  test("filters may change between polls", async () => {
    const { bus } = await start();
    await publish("a", "1");
    await publish("b", "2");
    const first = await poll(`filter=a&cursor=${bus.cursorAt(0)}`);
    await publish("b", "3");
    const second = await poll(`filter=b&cursor=${String(first.json().cursor)}`);
    expect([payloads(first), payloads(second)]).toEqual([["1"], ["3"]]);
  });

  test("a hold that ends empty is answered 204 no later than asked", async () => {
    const { bus } = await start();
    await publish("other", "x");
    const began = performance.now();
    const answer = await poll("filter=a&timeout=0.8");
    expect([answer.status, answer.headers["tributary-cursor"]]).toEqual([204, bus.cursorAt(1)]);
    expect(performance.now() - began).toBeLessThan(800 + 100);
  });

  test("an answer is capped by max, says that more is there, and the next one goes on", async () => {
    const { bus } = await start();
    for (const body of ["1", "2", "3"]) await publish("a", body);
    const first = await poll(`filter=a&cursor=${bus.cursorAt(0)}&max=2`);
    expect([payloads(first), first.json().upToDate]).toEqual([["1", "2"], false]);
    const second = await poll(`filter=a&cursor=${String(first.json().cursor)}&max=2`);
    expect([payloads(second), second.json().upToDate]).toEqual([["3"], true]);
  });

  test("an answer is capped by bytes, but a larger message still comes alone", async () => {
    const { bus } = await start({
      http: {
        poll: {
          defaultHoldMs: 1_000,
          maxHoldMs: 1_000,
          jitterMs: 0,
          defaultMessages: 100,
          maxMessages: 100,
          maxBytes: 1_000,
        },
      },
    });
    await publish("a", "x".repeat(3_000));
    await publish("a", "y");
    const first = await poll(`filter=a&cursor=${bus.cursorAt(0)}`);
    expect([messagesOf(first).length, first.json().upToDate]).toEqual([1, false]);
    expect(payloads(await poll(`filter=a&cursor=${String(first.json().cursor)}`))).toEqual(["y"]);
  });

  test("cursor=earliest begins with the oldest message kept", async () => {
    await start();
    await publish("a", "1");
    await publish("a", "2");
    expect(payloads(await poll("filter=a&cursor=earliest"))).toEqual(["1", "2"]);
  });

  test("retained=true begins with the retained messages, which carry no cursor", async () => {
    const { bus } = await start();
    await publish("lamp/1", "on", "?retain=true");
    await publish("lamp/1", "passing");
    const answer = await poll("filter=lamp/%23&retained=true");
    expect(answer.json()).toMatchObject({ cursor: bus.cursorAt(2), upToDate: true });
    expect(messagesOf(answer)).toMatchObject([{ topic: "lamp/1", payload: "on", retained: true }]);
    expect(messagesOf(answer)[0]).not.toHaveProperty("cursor");
  });

  test("without retained=true a start at now brings no retained message", async () => {
    await start();
    await publish("lamp/1", "on", "?retain=true");
    expect((await poll("filter=lamp/%23&timeout=0")).status).toBe(204);
  });

  test("retained messages past one answer's limit are refused, not cut short", async () => {
    const { port } = await start();
    for (let part = 0; part < 2; part += 1) {
      const commands = Array.from({ length: 600 }, (_, n) => ({
        topic: `t/${part}/${n}`,
        payload: "x",
        retain: true,
      }));
      const body = JSON.stringify(commands);
      expect((await send(port, "POST", "/v1/publish", { body })).status).toBe(202);
    }
    const answer = await poll("filter=t/%23&retained=true&timeout=0");
    expect([answer.status, answer.json().code]).toEqual([429, "limit_exceeded"]);
  });

  test.each([
    ["no filter", "timeout=0", "bad_request"],
    ["a bad filter", "filter=a%23", "invalid_filter"],
    ["an unescaped +, which is a wildcard inside a level", "filter=a+", "invalid_filter"],
    ["a malformed cursor", "filter=a&cursor=yesterday", "bad_request"],
    ["a malformed timeout", "filter=a&timeout=1s", "bad_request"],
    ["max=0", "filter=a&max=0", "bad_request"],
    ["an unknown parameter", "filter=a&holdMs=5", "bad_request"],
    ["bad UTF-8", "filter=%ff", "bad_request"],
    ["retained with a cursor", "filter=a&retained=true&cursor=earliest", "bad_request"],
  ])("refuses %s", async (_name, query, code) => {
    await start();
    const answer = await poll(query);
    expect([answer.status, answer.json().code]).toEqual([400, code]);
  });

  test("a cursor of an unknown epoch is a gap, told with where to go on", async () => {
    const { bus } = await start();
    await publish("a", "1");
    const answer = await poll("filter=a&cursor=otherepoch-1");
    expect([answer.status, answer.json()]).toMatchObject([
      410,
      { code: "gap", reason: "epoch", earliest: bus.cursorAt(0) },
    ]);
    expect(payloads(await poll(`filter=a&cursor=${String(answer.json().earliest)}`))).toEqual([
      "1",
    ]);
  });

  test("a cursor the window has passed is a gap", async () => {
    const { bus } = await start({ window: { maxMessages: 4 } });
    for (const n of [1, 2, 3, 4, 5, 6]) await publish("a", String(n));
    const answer = await poll(`filter=a&cursor=${bus.cursorAt(1)}`);
    expect([answer.status, answer.json().reason]).toEqual([410, "retention"]);
    expect(payloads(await poll(`filter=a&cursor=${String(answer.json().earliest)}`))).toEqual([
      "3",
      "4",
      "5",
      "6",
    ]);
  });

  test("a held poll whose read meets a hole in the log is told a gap", async () => {
    let hasHole = false;
    const wrapLog = (log: MessageLog): MessageLog =>
      new Proxy(log, {
        get(target, name) {
          if (name === "read" && hasHole) {
            return () => ({ offsets: [], through: 0, gap: { reason: "store", earliest: 2 } });
          }
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    await start({ wrapLog });
    const waiting = poll("filter=a");
    await held(1);
    hasHole = true;
    await publish("a", "lost");
    const answer = await waiting;
    expect([answer.status, answer.json().reason]).toEqual([410, "store"]);
  });

  test("a message that expires while it waits to be answered does not end the hold", async () => {
    let now = 1_000;
    await start({ clock: { now: () => now } });
    const waiting = poll("filter=a");
    await held(1);
    await publish("a", "stale", "?expiry=0");
    now += 1;
    await publish("a", "fresh");
    expect(payloads(await waiting)).toEqual(["fresh"]);
  });

  test("polls over the limit of held ones are refused, and plain polls are not", async () => {
    await start({ http: { maxHeldPolls: 1 } });
    const waiting = poll("filter=a");
    await held(1);
    for (const query of ["filter=a", "filter=b"]) {
      const answer = await poll(query);
      expect([answer.status, answer.json().code]).toEqual([429, "limit_exceeded"]);
      expect(answer.headers["retry-after"]).toBe("1");
    }
    expect((await poll("filter=b&timeout=0")).status).toBe(204);
    await publish("a", "x");
    await waiting;
  });

  test("a client that goes away releases its hold at once", async () => {
    const { bus, port } = await start();
    const request = http.get({ host: "127.0.0.1", port, path: "/v1/poll?filter=a" });
    request.on("error", () => undefined);
    await held(1);
    expect(bus.indexSize).toBe(1);
    request.destroy();
    await held(0);
    expect(bus.indexSize).toBe(0);
  });

  test("polls that wait for the same share one watch and each gets the message", async () => {
    const { bus } = await start();
    const waiting = Array.from({ length: 20 }, () => poll("filter=a"));
    await held(20);
    expect(bus.indexSize).toBe(1);
    await publish("a", "x");
    for (const answer of await Promise.all(waiting)) expect(payloads(answer)).toEqual(["x"]);
    expect(bus.indexSize).toBe(0);
  });

  test("draining answers held polls 503 with the cursor to go on with", async () => {
    const { bus, transport } = await start();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const waiting = poll("filter=a", agent);
    await held(1);
    await publish("other", "x");
    const drained = transport.drain(5_000);
    const answer = await waiting;
    const cursor = bus.cursorAt(1);
    expect([answer.status, answer.json()]).toMatchObject([503, { code: "draining", cursor }]);
    expect(answer.headers).toMatchObject({ "tributary-cursor": cursor, "retry-after": "1" });
    await drained;
    agent.destroy();
  });

  test("a loop of polls under churn gets every message once, in order", async () => {
    const { bus, port } = await start({ window: { maxMessages: 100_000 } });
    const total = 3_000;
    const publishing = (async () => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      for (let n = 0; n < total; n += 1) {
        await send(port, "POST", `/v1/topics/churn/${n % 3}`, { body: String(n), agent });
        if (n % 2 === 0) await send(port, "POST", "/v1/topics/noise", { body: "x", agent });
      }
      agent.destroy();
    })();
    const readers = Array.from({ length: 5 }, async (_, reader) => {
      let cursor: string = bus.cursorAt(0);
      const seen: string[] = [];
      let polls = 0;
      while (seen.length < total) {
        polls += 1;
        const query = `filter=churn/%2B&cursor=${cursor}&timeout=5&max=${1 + ((polls * 7 + reader) % 90)}`;
        if (polls % 5 === 0) {
          // A poll that is cut takes nothing with it: its cursor was never handed out.
          const path = `/v1/poll?${query}`;
          const cut = http.get({ host: "127.0.0.1", port, path, agent: false });
          cut.on("error", () => undefined);
          cut.on("socket", (socket) =>
            socket.once("connect", () => setImmediate(() => cut.destroy())),
          );
        }
        const answer = await poll(query);
        if (answer.status === 204) continue;
        seen.push(...payloads(answer).map(String));
        cursor = String(answer.json().cursor);
      }
      return seen;
    });
    await publishing;
    const expected = Array.from({ length: total }, (_, n) => String(n));
    for (const seen of await Promise.all(readers)) expect(seen).toEqual(expected);
  });
});
