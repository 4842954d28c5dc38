import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Message } from "../../src/bus/message.ts";
import { send } from "../support/http-client.ts";
import { type RunningHttp, startHttp } from "../support/http-transport.ts";

const run = promisify(execFile);
let http: RunningHttp;

beforeAll(async () => {
  http = await startHttp({ limits: { maxPayloadBytes: 100_000, maxTopicLevels: 16 } });
});

afterAll(() => http.stop());

function newest(): Message {
  const message = http.bus.messageAt(http.bus.lastOffset);
  if (message === undefined) throw new Error("nothing has been accepted");
  return message;
}

describe("POST /v1/topics/{topic}", () => {
  test("answers 202 with cursor and offset once the message is accepted", async () => {
    const answer = await send(http.port, "POST", "/v1/topics/room/1", { body: "hello" });
    const { offset, topic, payload, qos, origin } = newest();
    expect(answer.status).toBe(202);
    expect(answer.json()).toEqual({ cursor: http.bus.cursorAt(offset), offset });
    expect([topic, Buffer.from(payload).toString(), qos, origin.transport]).toEqual([
      "room/1",
      "hello",
      1,
      "http",
    ]);
  });

  test.each([0, 1, 256, 65_536, 100_000])("carries a payload of %i bytes exactly", async (size) => {
    const body = Buffer.from(Array.from({ length: size }, (_, index) => (index * 7) & 255));
    expect((await send(http.port, "POST", "/v1/topics/bytes", { body })).status).toBe(202);
    expect(Buffer.from(newest().payload).equals(body)).toBe(true);
  });

  test("carries properties given as headers, in order, as UTF-8", async () => {
    const headers = [
      "Host",
      "localhost",
      "Content-Type",
      "text/plain; charset=utf-8",
      "Tributary-User-Property",
      "unit=°C",
      "tributary-user-property",
      "unit=a=b",
      "Tributary-Response-Topic",
      "answers/1",
      "Tributary-Correlation-Data",
      "AAEC/w==",
    ].map((text) => Buffer.from(text, "utf8").toString("latin1"));
    const answer = await send(http.port, "POST", "/v1/topics/p?expiry=60", { headers, body: "x" });
    expect(answer.status).toBe(202);
    expect(newest().properties).toEqual({
      contentType: "text/plain; charset=utf-8",
      userProperties: [
        ["unit", "°C"],
        ["unit", "a=b"],
      ],
      responseTopic: "answers/1",
      correlationData: new Uint8Array([0, 1, 2, 255]),
      expiry: 60,
    });
  });

  test.each([
    ["a+b is a wildcard, not a space", "/v1/topics/a+b", 400, "invalid_topic"],
    ["%2B is one too", "/v1/topics/a/%2B", 400, "invalid_topic"],
    ["%23 is one too", "/v1/topics/a/%23", 400, "invalid_topic"],
    ["an empty topic", "/v1/topics/", 400, "invalid_topic"],
    ["U+0000", "/v1/topics/a%00b", 400, "invalid_topic"],
    ["too many levels", `/v1/topics/${"a/".repeat(16)}a`, 400, "invalid_topic"],
    ["a reserved topic [MQTT-4.7.2-1]", "/v1/topics/$SYS/x", 403, "forbidden"],
    ["bad UTF-8", "/v1/topics/%ff", 400, "bad_request"],
    ["overlong UTF-8", "/v1/topics/%c0%af", 400, "bad_request"],
    ["a lone percent sign", "/v1/topics/100%", 400, "bad_request"],
    ["an unknown parameter", "/v1/topics/a?retian=true", 400, "bad_request"],
    ["a flag that is neither", "/v1/topics/a?retain=yes", 400, "bad_request"],
    ["a parameter given twice", "/v1/topics/a?retain=true&retain=false", 400, "bad_request"],
    ["a negative expiry", "/v1/topics/a?expiry=-1", 400, "bad_request"],
    ["an expiry past four bytes", "/v1/topics/a?expiry=4294967296", 400, "bad_request"],
  ])("refuses %s", async (_name, target, status, code) => {
    const before = http.bus.lastOffset;
    const answer = await send(http.port, "POST", target, { body: "x" });
    expect([answer.status, answer.json().code]).toEqual([status, code]);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(http.bus.lastOffset).toBe(before);
  });

  test.each([
    ["/v1/topics/a%2Fb", "a/b"],
    ["/v1/topics/a/../b", "a/../b"],
    ["/v1/topics/./a/.", "./a/."],
    ["/v1/topics//a//b/", "/a//b/"],
    ["/v1/topics/100%25", "100%"],
    ["/v1/topics/%2541", "%41"],
    ["/v1/topics/caf%C3%A9/%F0%9F%8C%8A", "café/🌊"],
    ["/v1/topics/%20a%3Fb", " a?b"],
    ["http://elsewhere.example/v1/topics/absolute", "absolute"],
  ])("decodes %s once to the topic %s (RFC 3986)", async (target, topic) => {
    expect((await send(http.port, "POST", target, { body: "x" })).status).toBe(202);
    expect(newest().topic).toBe(topic);
  });

  test.each([
    ["a user property without =", { "Tributary-User-Property": "unit" }],
    ["correlation data that is not base64", { "Tributary-Correlation-Data": "*" }],
    ["a header that is not UTF-8", { "Tributary-User-Property": "a=\xff" }],
    ["an empty idempotency key", { "Idempotency-Key": "" }],
    ["an idempotency key of 256 characters", { "Idempotency-Key": "k".repeat(256) }],
  ])("refuses %s", async (_name, headers) => {
    const answer = await send(http.port, "POST", "/v1/topics/a", { headers, body: "x" });
    expect([answer.status, answer.json().code]).toEqual([400, "bad_request"]);
  });

  test("refuses a response topic with a wildcard", async () => {
    const headers = { "Tributary-Response-Topic": "a/#" };
    const answer = await send(http.port, "POST", "/v1/topics/a", { headers, body: "x" });
    expect(answer.json().code).toBe("invalid_topic");
  });

  test("repeating a request with its idempotency key publishes nothing, over a new connection too", async () => {
    const headers = { "Idempotency-Key": "order-1", Connection: "close" };
    const first = await send(http.port, "POST", "/v1/topics/once", { headers, body: "x" });
    const before = http.bus.lastOffset;
    const second = await send(http.port, "POST", "/v1/topics/once", { headers, body: "x" });
    expect(second.json()).toEqual(first.json());
    expect(http.bus.lastOffset).toBe(before);
    const other = await send(http.port, "POST", "/v1/topics/once", { headers, body: "y" });
    expect([other.status, other.json().code]).toEqual([422, "idempotency_mismatch"]);
  });

  test("refuses a body over the limit by its declared length, and serves the next request", async () => {
    const body = Buffer.alloc(100_001);
    const answer = await send(http.port, "POST", "/v1/topics/big", { body });
    expect([answer.status, answer.json().code]).toEqual([413, "too_large"]);
    expect((await send(http.port, "POST", "/v1/topics/small", { body: "x" })).status).toBe(202);
  });

  test("refuses a chunked body once it is over the limit", async () => {
    const headers = { "Transfer-Encoding": "chunked" };
    const body = Buffer.alloc(300_000);
    const answer = await send(http.port, "POST", "/v1/topics/big", { headers, body });
    expect([answer.status, answer.json().code]).toEqual([413, "too_large"]);
  });

  test("refuses a compressed body, which would be delivered as it is", async () => {
    const headers = { "Content-Encoding": "gzip" };
    const answer = await send(http.port, "POST", "/v1/topics/a", { headers, body: "x" });
    expect([answer.status, answer.json().code]).toEqual([415, "unsupported_media_type"]);
  });

  test("curl publishes with the one line of the README", async () => {
    const { stdout } = await run("curl", ["-sS", "-d", "hello", `${http.url}/v1/topics/curl`]);
    expect(JSON.parse(stdout)).toEqual({
      cursor: http.bus.cursorAt(http.bus.lastOffset),
      offset: http.bus.lastOffset,
    });
  });

  test("curl, waiting for 100 Continue, sends its body and is answered", async () => {
    const { stdout } = await run("curl", [
      "-sS",
      "-H",
      "Expect: 100-continue",
      "--expect100-timeout",
      "60",
      "-d",
      "hello",
      `${http.url}/v1/topics/curl`,
    ]);
    expect(JSON.parse(stdout).offset).toBe(http.bus.lastOffset);
  });
});

describe("the retained value of a topic", () => {
  test("is kept by retain=true, read back raw, and cleared by DELETE", async () => {
    const headers = { "Content-Type": "application/json" };
    const body = '{"on":true}';
    await send(http.port, "POST", "/v1/topics/lamp?retain=true", { headers, body });
    const kept = await send(http.port, "GET", "/v1/topics/lamp");
    expect([kept.status, kept.body.toString()]).toEqual([200, body]);
    expect(kept.headers).toMatchObject({
      "content-type": "application/json",
      "x-content-type-options": "nosniff",
      "content-security-policy": "sandbox",
      "content-disposition": "attachment",
    });
    expect((await send(http.port, "DELETE", "/v1/topics/lamp")).status).toBe(204);
    const gone = await send(http.port, "GET", "/v1/topics/lamp");
    expect([gone.status, gone.json().code]).toEqual([404, "not_found"]);
    expect((await send(http.port, "DELETE", "/v1/topics/lamp")).status).toBe(204);
  });

  test("HEAD tells its length without sending it", async () => {
    await send(http.port, "POST", "/v1/topics/head?retain=true", { body: "12345" });
    const answer = await send(http.port, "HEAD", "/v1/topics/head");
    expect([answer.status, answer.headers["content-length"], answer.body.length]).toEqual([
      200,
      "5",
      0,
    ]);
  });

  test("a message published without retain leaves none", async () => {
    await send(http.port, "POST", "/v1/topics/passing", { body: "x" });
    expect((await send(http.port, "GET", "/v1/topics/passing")).status).toBe(404);
  });
});

describe("POST /v1/publish", () => {
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    send(http.port, "POST", "/v1/publish", {
      headers: { "Content-Type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });

  test("accepts all messages, in order, and answers with each one's place", async () => {
    const before = http.bus.lastOffset;
    const answer = await post([
      { topic: "bulk/1", payload: "a" },
      { type: "publish", topic: "bulk/2", payload: "AP8=", encoding: "base64", retain: true },
    ]);
    expect(answer.status).toBe(202);
    expect(answer.json()).toEqual({
      results: [1, 2].map((step) => ({
        cursor: http.bus.cursorAt(before + step),
        offset: before + step,
      })),
    });
    expect(Buffer.from(newest().payload)).toEqual(Buffer.from([0, 255]));
    expect([newest().topic, newest().retain, newest().qos]).toEqual(["bulk/2", true, 1]);
  });

  test("accepts none when one is refused, and names each refused one", async () => {
    const before = http.bus.lastOffset;
    const answer = await post([
      { topic: "fine", payload: "a" },
      { topic: "bad/#", payload: "b" },
      { topic: "fine", payload: "c", retian: true },
    ]);
    const problem = answer.json();
    expect([answer.status, problem.code]).toEqual([400, "invalid_topic"]);
    expect(problem.errors).toMatchObject([
      { index: 1, code: "invalid_topic" },
      { index: 2, code: "bad_request" },
    ]);
    expect(http.bus.lastOffset).toBe(before);
  });

  test("accepts none when the bus would refuse one", async () => {
    const before = http.bus.lastOffset;
    const answer = await post([
      { topic: "fine", payload: "a" },
      { topic: "$SYS/x", payload: "b" },
    ]);
    expect([answer.status, answer.json().errors]).toMatchObject([
      403,
      [{ index: 1, code: "forbidden" }],
    ]);
    expect(http.bus.lastOffset).toBe(before);
  });

  test("accepts none when there is room to retain some of them only", async () => {
    const small = await startHttp({ retained: { maxMessages: 1, maxBytes: 1_000 } });
    try {
      const bulk = (...messages: object[]) =>
        send(small.port, "POST", "/v1/publish", { body: JSON.stringify(messages) });
      const retained = { payload: "x", retain: true };
      const tooMany = await bulk({ topic: "a", ...retained }, { topic: "b", ...retained });
      expect([tooMany.status, tooMany.json().errors]).toMatchObject([429, [{ index: 1 }]]);
      expect(small.bus.lastOffset).toBe(0);
      const cleared = { topic: "a", payload: "", retain: true };
      const inTurn = await bulk({ topic: "a", ...retained }, cleared, { topic: "b", ...retained });
      expect([inTurn.status, small.bus.retainedCount]).toEqual([202, 1]);
    } finally {
      await small.stop();
    }
  });

  test("accepts none when one of them has the key of another message", async () => {
    const keyed = { topic: "bulk/keyed", payload: "a", idempotencyKey: "bulk-2" };
    await post([keyed]);
    const before = http.bus.lastOffset;
    const used = await post([
      { topic: "bulk/other", payload: "b" },
      { ...keyed, payload: "b" },
    ]);
    expect([used.status, used.json().errors]).toMatchObject([422, [{ index: 1 }]]);
    const twice = { topic: "bulk/twice", payload: "a", idempotencyKey: "bulk-3" };
    const repeated = await post([twice, { ...twice, payload: "b" }]);
    expect([repeated.status, repeated.json().errors]).toMatchObject([400, [{ index: 1 }]]);
    expect(http.bus.lastOffset).toBe(before);
  });

  test("an empty array is answered with no results", async () => {
    expect((await post([])).json()).toEqual({ results: [] });
  });

  test.each([
    ["what is not JSON", "[", 400, "bad_request"],
    ["an object", "{}", 400, "bad_request"],
    ["more messages than the limit", `[${"1,".repeat(1_000)}1]`, 413, "too_large"],
  ])("refuses %s", async (_name, body, status, code) => {
    const answer = await post(body);
    expect([answer.status, answer.json().code]).toEqual([status, code]);
  });

  test("refuses a body that is not declared as JSON", async () => {
    const answer = await post("[]", { "Content-Type": "text/plain" });
    expect([answer.status, answer.json().code]).toEqual([415, "unsupported_media_type"]);
  });

  test("repeating a keyed message inside a bulk publishes nothing", async () => {
    const message = { topic: "bulk/once", payload: "a", idempotencyKey: "bulk-1" };
    const first = await post([message]);
    const before = http.bus.lastOffset;
    expect((await post([message])).json()).toEqual(first.json());
    expect(http.bus.lastOffset).toBe(before);
  });
});
