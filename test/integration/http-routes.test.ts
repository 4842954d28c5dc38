import http from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import { RawConnection, send } from "../support/http-client.ts";
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

describe("paths and methods", () => {
  test.each(["/v2/topics/a", "/v1/topicsx", "/v1/poll/", "/V1/poll", "/nothing", "/openapi"])(
    "%s is not found",
    async (path) => {
      const { port } = await start();
      for (const method of ["GET", "POST"]) {
        const answer = await send(port, method, path);
        expect([answer.status, answer.json().code]).toEqual([404, "not_found"]);
        expect(answer.headers["content-type"]).toBe("application/problem+json");
      }
    },
  );

  test.each([
    ["PUT", "/v1/topics/a", "GET, HEAD, POST, DELETE, OPTIONS"],
    ["GET", "/v1/publish", "POST, OPTIONS"],
    ["POST", "/v1/poll?filter=a", "GET, OPTIONS"],
    ["POST", "/v1/stream?filter=a", "GET, OPTIONS"],
    ["POST", "/v1/status", "GET, HEAD, OPTIONS"],
    ["DELETE", "/metrics", "GET, HEAD, OPTIONS"],
    ["POST", "/", "GET, HEAD, OPTIONS"],
    ["POST", "/ws", "GET, HEAD, OPTIONS"],
    ["PUT", "/mqtt", "GET, HEAD, OPTIONS"],
  ])("%s %s is not allowed, and Allow says what is", async (method, target, allow) => {
    const { port } = await start();
    const answer = await send(port, method, target);
    expect([answer.status, answer.json().code]).toEqual([405, "method_not_allowed"]);
    expect(answer.headers.allow).toBe(allow);
  });

  test.each(["/ws", "/mqtt"])("GET %s without an upgrade is told to ask for one", async (path) => {
    const { port } = await start();
    const answer = await send(port, "GET", path);
    expect([answer.status, answer.json().code]).toEqual([400, "bad_request"]);
    expect(answer.json().detail).toContain("upgrade to websocket");
    expect(answer.headers["sec-websocket-version"]).toBe("13");
    expect((await send(port, "HEAD", path)).status).toBe(400);
  });

  test("a path for WebSocket hides nothing that is there already", async () => {
    const { port } = await start({ http: { upgradePaths: ["/", "/healthz"] } });
    for (const path of ["/", "/healthz"]) expect((await send(port, "GET", path)).status).toBe(200);
  });

  test("OPTIONS of nothing is not found, OPTIONS of the server itself is answered", async () => {
    const { port } = await start();
    expect((await send(port, "OPTIONS", "/nothing")).status).toBe(404);
    expect((await send(port, "OPTIONS", "*")).status).toBe(204);
  });

  test("OPTIONS lists the methods", async () => {
    const { port } = await start();
    const answer = await send(port, "OPTIONS", "/v1/poll");
    expect([answer.status, answer.headers.allow]).toEqual([204, "GET, OPTIONS"]);
  });
});

describe("what operators read", () => {
  test("/healthz is live, /readyz says when and why not", async () => {
    const { port, health } = await start();
    expect((await send(port, "GET", "/healthz")).status).toBe(200);
    expect((await send(port, "GET", "/readyz")).json()).toEqual({ ready: true, reasons: [] });
    health.setReason("store", "the disk is full");
    const answer = await send(port, "GET", "/readyz");
    expect([answer.status, answer.json()]).toEqual([
      503,
      { ready: false, reasons: [{ name: "store", text: "the disk is full" }] },
    ]);
  });

  test("/metrics is the text of the registry, in its media type", async () => {
    const { port } = await start();
    const answer = await send(port, "GET", "/metrics");
    expect([answer.headers["content-type"], answer.body.toString()]).toEqual([
      "text/plain; version=0.0.4",
      "up 1\n",
    ]);
  });

  test("/metrics that fails is internal, logged, and says nothing of the cause", async () => {
    const { port, defects } = await start({
      http: { metricsText: () => Promise.reject(new Error("secret")) },
    });
    const answer = await send(port, "GET", "/metrics");
    expect([answer.status, answer.json().code]).toEqual([500, "internal"]);
    expect(answer.body.toString()).not.toContain("secret");
    expect(defects.splice(0)).toHaveLength(1);
  });

  test("a keep-alive timeout of 0 promises no end of an idle connection", async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const { port } = await start({ http: { keepAliveTimeoutMs: 75_000 } });
    const bounded = await send(port, "GET", "/healthz", { agent });
    expect(bounded.headers["keep-alive"]).toBe("timeout=75");
    await running?.stop();
    const again = await start({ http: { keepAliveTimeoutMs: 0 } });
    const endless = await send(again.port, "GET", "/healthz", { agent });
    expect(endless.headers.connection).toBe("keep-alive");
    expect(endless.headers["keep-alive"]).toBeUndefined();
    agent.destroy();
  });

  test("/v1/status, /v1/sessions and /v1/topics tell what is known", async () => {
    const { port, bus } = await start();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const body = "on";
    await send(port, "POST", "/v1/topics/lamp?retain=true", { agent, body });
    expect((await send(port, "GET", "/v1/status", { agent })).json()).toMatchObject({
      version: "0.0.0-test",
      epoch: bus.epoch,
      sessions: 1,
      sessionsByTransport: { http: 1 },
      retainedMessages: 1,
      log: { firstOffset: 1, lastOffset: 1, cursor: bus.cursorAt(1) },
    });
    expect((await send(port, "GET", "/v1/sessions", { agent })).json()).toMatchObject({
      count: 1,
      sessions: [{ transport: "http", address: "127.0.0.1", user: null }],
    });
    expect((await send(port, "GET", "/v1/topics", { agent })).json()).toMatchObject({
      count: 1,
      topics: [{ topic: "lamp", bytes: 2, offset: 1 }],
    });
    expect((await send(port, "GET", "/v1/topics?filter=x/%23", { agent })).json().count).toBe(0);
    agent.destroy();
  });

  test.each(["/v1/status", "/v1/sessions", "/v1/topics"])(
    "%s is for administrators",
    async (path) => {
      const { port } = await start({ http: { isAdmin: ({ user }) => user === "root" } });
      const answer = await send(port, "GET", path);
      expect([answer.status, answer.json().code]).toEqual([403, "forbidden"]);
      const headers = { Authorization: `Basic ${Buffer.from("root:x").toString("base64")}` };
      expect((await send(port, "GET", path, { headers })).status).toBe(200);
    },
  );

  test("/ shows a person where to begin, and runs no script", async () => {
    const { port } = await start();
    const answer = await send(port, "GET", "/", { headers: { Host: "a&<b>" } });
    expect(answer.body.toString()).toContain("curl -d hello http://a&#38;&#60;b&#62;/v1/topics/");
    expect(answer.headers["content-security-policy"]).toContain("default-src 'none'");
    const head = await send(port, "HEAD", "/");
    expect([head.status, head.body.length]).toEqual([200, 0]);
  });
});

describe("drain and stop", () => {
  test("draining refuses what comes on open connections and closes them", async () => {
    const { port, bus, transport } = await start();
    const holding = new RawConnection(port);
    holding.write("POST /v1/topics/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n");
    await holding.until(() => holding.socket.bytesWritten > 0);
    bus.refuseNewMessages();
    // Its request must have begun before the drain: an answer on another connection shows it has.
    await send(port, "GET", "/healthz");
    const drained = transport.drain(5_000);
    holding.write("x");
    const answer = await holding.untilEnd();
    expect(answer).toMatch(/^HTTP\/1.1 503 /);
    expect(answer).toContain('"code":"draining"');
    expect(answer).toMatch(/\r\nConnection: close\r\n/);
    await drained;
  });

  test("drain ends idle and silent connections, and gives up at its deadline", async () => {
    const { port, transport } = await start();
    const silent = new RawConnection(port);
    const idle = new RawConnection(port);
    idle.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    await idle.until((text) => text.includes("live"));
    const unfinished = new RawConnection(port);
    unfinished.write("POST /v1/topics/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n");
    await send(port, "GET", "/healthz");
    await transport.drain(300);
    await silent.untilEnd();
    await idle.untilEnd();
    expect(unfinished.hasEnded).toBe(false);
    await transport.stop();
    await unfinished.untilEnd();
  });

  test("stop works before start", async () => {
    const { transport } = await start();
    await transport.stop();
    await expect(transport.stop()).resolves.toBeUndefined();
  });

  test("start rejects when the port is taken", async () => {
    const { port } = await start();
    await expect(startHttp({ http: { port } })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

describe("store and rates", () => {
  test("a message the store refuses is 503 and may be retried", async () => {
    const refusal = new GatewayError("store_unavailable", "the store cannot write");
    const { port } = await start({
      wrapLog: (log) =>
        new Proxy(log, {
          get(target, name) {
            if (name === "append") {
              return () => {
                throw refusal;
              };
            }
            const value: unknown = Reflect.get(target, name, target);
            return typeof value === "function" ? value.bind(target) : value;
          },
        }),
    });
    const answer = await send(port, "POST", "/v1/topics/a", { body: "x" });
    expect([answer.status, answer.json().code, answer.headers["retry-after"]]).toEqual([
      503,
      "store_unavailable",
      "1",
    ]);
  });

  test("a key whose first request waits for the store is in progress, then answered alike", async () => {
    const receipts: { accepted(offset: number): void }[] = [];
    const { port } = await start({
      wrapLog: (log) =>
        new Proxy(log, {
          get(target, name) {
            if (name === "append") {
              return (...[draft, receipt]: Parameters<typeof log.append>) => {
                target.append(draft, null);
                if (receipt !== null) receipts.push(receipt);
              };
            }
            const value: unknown = Reflect.get(target, name, target);
            return typeof value === "function" ? value.bind(target) : value;
          },
        }),
    });
    const request = { headers: { "Idempotency-Key": "k" }, body: "x" };
    const first = send(port, "POST", "/v1/topics/a", request);
    while (receipts.length === 0) await send(port, "GET", "/healthz");
    const second = await send(port, "POST", "/v1/topics/a", request);
    expect([second.status, second.json().code, second.headers["retry-after"]]).toEqual([
      409,
      "idempotency_in_progress",
      "1",
    ]);
    receipts[0]?.accepted(1);
    expect((await first).json().offset).toBe(1);
    expect((await send(port, "POST", "/v1/topics/a", request)).json().offset).toBe(1);
  });

  test("a retained message past the limit of topics is refused", async () => {
    const { port } = await start({ retained: { maxMessages: 1, maxBytes: 1_000 } });
    const keep = (topic: string) =>
      send(port, "POST", `/v1/topics/${topic}?retain=true`, { body: "x" });
    expect((await keep("one")).status).toBe(202);
    const answer = await keep("two");
    expect([answer.status, answer.json().code]).toEqual([429, "limit_exceeded"]);
  });

  test("a connection that publishes too fast is refused with 429", async () => {
    const { port } = await start({ limits: { maxPublishesPerSecond: 3 } });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const statuses: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const answer = await send(port, "POST", "/v1/topics/a", { agent, body: "x" });
      statuses.push(answer.status);
      if (answer.status === 429) expect(answer.json().code).toBe("rate_limited");
    }
    expect(statuses.slice(0, 3)).toEqual([202, 202, 202]);
    expect(statuses).toContain(429);
    agent.destroy();
  });

  test("a bulk publish that no second could take is too large, and uses up nothing", async () => {
    const { port, bus } = await start({ limits: { maxPublishesPerSecond: 3 } });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const headers = { "content-type": "application/json" };
    const publish = (count: number) => {
      const commands = Array.from({ length: count }, () => ({ topic: "a", payload: "x" }));
      return send(port, "POST", "/v1/publish", { agent, headers, body: JSON.stringify(commands) });
    };
    const refused = await publish(4);
    expect([refused.status, refused.json().code]).toEqual([413, "too_large"]);
    expect(refused.json().detail).toContain("limits.maxPublishesPerSecond is 3");
    expect((await publish(3)).status).toBe(202);
    expect(bus.lastOffset).toBe(3);
    agent.destroy();
  });

  test("publishers wait while the store is congested, and are answered when it is relieved", async () => {
    let isCongested = true;
    const waiting: (() => void)[] = [];
    const { port, bus } = await start({
      wrapLog: (log) =>
        new Proxy(log, {
          get(target, name) {
            if (name === "isCongested") return isCongested;
            if (name === "whenRelieved") return (callback: () => void) => waiting.push(callback);
            const value: unknown = Reflect.get(target, name, target);
            return typeof value === "function" ? value.bind(target) : value;
          },
        }),
    });
    const publishing = send(port, "POST", "/v1/topics/a", { body: "x" });
    while (waiting.length === 0) await send(port, "GET", "/healthz");
    expect(bus.lastOffset).toBe(0);
    isCongested = false;
    for (const callback of waiting) callback();
    expect((await publishing).status).toBe(202);
  });
});
