import { once } from "node:events";
import { request } from "node:http";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import type { Authenticator } from "../../src/security/authenticator.ts";
import { WebSocketClient } from "../support/command-client.ts";
import { type CommandKit, startCommands } from "../support/command-kit.ts";
import { checkAnswer } from "../support/documents/answer-check.ts";

const KEY = "AAAAAAAAAAAAAAAAAAAAAA==";

const UPGRADE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": KEY,
};

const onlyAda: Authenticator = {
  async authenticate(credentials) {
    if (credentials.kind === "password" && credentials.password === "right") {
      return { user: credentials.user };
    }
    if (credentials.kind === "token" && credentials.token === "token") return { user: "ada" };
    throw new GatewayError("unauthenticated", "no such user, or another password");
  },
};

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly code: string | null;
}

/** One handshake by hand; the socket is given up at once when it is accepted. */
async function shake(
  kit: CommandKit,
  headers: Readonly<Record<string, string>>,
  path = "/ws",
  method = "GET",
): Promise<Answer> {
  const asked = request({ host: "127.0.0.1", port: kit.httpPort, path, method, headers });
  asked.end();
  const outcome = await Promise.race([once(asked, "response"), once(asked, "upgrade")]);
  const [response, socket] = outcome as [import("node:http").IncomingMessage, Duplex | undefined];
  const { statusCode: status = 0, headers: answered } = response;
  if (status === 101) {
    checkAnswer({ method, target: path, status, headers: answered, body: Buffer.alloc(0) });
    socket?.destroy();
    return { status, headers: response.headers, code: null };
  }
  let text = "";
  for await (const chunk of response) text += String(chunk);
  checkAnswer({ method, target: path, status, headers: answered, body: Buffer.from(text) });
  const { code } = JSON.parse(text) as { code: string };
  expect(response.headers["content-type"]).toBe("application/problem+json");
  return { status, headers: response.headers, code };
}

describe("the WebSocket handshake", () => {
  let kit: CommandKit;

  beforeAll(async () => {
    const allowedOrigins = ["https://dashboard.example"];
    kit = await startCommands({ websocket: { allowedOrigins }, authenticator: onlyAda });
  });

  afterAll(() => kit.stop());

  test.each([
    ["no subprotocol", {}, undefined],
    ["JSON", { "Sec-WebSocket-Protocol": "tributary.v1.json" }, "tributary.v1.json"],
    [
      "the first one served",
      { "Sec-WebSocket-Protocol": "x, tributary.v1.binary, tributary.v1.json" },
      "tributary.v1.binary",
    ],
    ["its own origin", { Origin: "http://gateway:1", Host: "gateway:1" }, undefined],
    ["an allowed origin", { Origin: "https://dashboard.example" }, undefined],
    ["a password", { Authorization: `Basic ${btoa("ada:right")}` }, undefined],
    ["a token", { Authorization: "Bearer token" }, undefined],
  ])("accepts %s", async (_, headers, subprotocol) => {
    const answer = await shake(kit, { ...UPGRADE, ...headers });
    expect(answer.status).toBe(101);
    expect(answer.headers["sec-websocket-protocol"]).toBe(subprotocol);
    // RFC 6455 §4.2.2: the digest of this key.
    expect(answer.headers["sec-websocket-accept"]).toBe("ICX+Yqv66kxgM0FcWaLWlFLwTAI=");
  });

  test.each([
    ["an unknown path", {}, "/elsewhere", "GET", 404, "not_found"],
    ["MQTT's path when there is no MQTT", {}, "/mqtt", "GET", 404, "not_found"],
    ["another method (RFC 6455 §4.2.1)", {}, "/ws", "POST", 405, "method_not_allowed"],
    ["another upgrade", { Upgrade: "h2c" }, "/ws", "GET", 400, "bad_request"],
    ["a short key", { "Sec-WebSocket-Key": "AAAA" }, "/ws", "GET", 400, "bad_request"],
    ["an old version", { "Sec-WebSocket-Version": "8" }, "/ws", "GET", 400, "bad_request"],
    [
      "unknown subprotocols only",
      { "Sec-WebSocket-Protocol": "graphql-ws, soap" },
      "/ws",
      "GET",
      400,
      "bad_request",
    ],
    [
      "MQTT when there is none",
      { "Sec-WebSocket-Protocol": "mqtt" },
      "/ws",
      "GET",
      400,
      "bad_request",
    ],
    [
      "a subprotocol that is no token",
      { "Sec-WebSocket-Protocol": "a b" },
      "/ws",
      "GET",
      400,
      "bad_request",
    ],
    ["a foreign origin", { Origin: "https://evil.example" }, "/ws", "GET", 403, "forbidden"],
    ["the origin null", { Origin: "null" }, "/ws", "GET", 403, "forbidden"],
    [
      "a wrong password",
      { Authorization: `Basic ${btoa("ada:wrong")}` },
      "/ws",
      "GET",
      401,
      "unauthenticated",
    ],
    ["an unknown scheme", { Authorization: "Digest x" }, "/ws", "GET", 401, "unauthenticated"],
  ])("refuses %s", async (_, headers, path, method, status, code) => {
    const answer = await shake(kit, { ...UPGRADE, ...headers }, path, method);
    expect(answer).toMatchObject({ status, code });
    if (status === 401) expect(answer.headers).toHaveProperty("www-authenticate");
    if (status === 405) expect(answer.headers.allow).toBe("GET, HEAD, OPTIONS");
  });

  test("a client without credentials may say nothing before it authenticates", async () => {
    const client = await WebSocketClient.open(kit);
    client.command({ type: "subscribe", filter: "a" });
    expect(await client.next()).toMatchObject({ type: "error", id: 1, code: "unauthenticated" });
    client.command({ type: "authenticate", user: "ada", password: "wrong" });
    client.command({ type: "authenticate", user: "ada", password: "right" });
    client.command({ type: "subscribe", filter: "a" });
    expect(await client.next()).toMatchObject({ type: "error", id: 2, code: "unauthenticated" });
    expect(await client.next()).toEqual({ type: "authenticated", id: 3 });
    expect(await client.next()).toMatchObject({ type: "subscribed", id: 4 });
    expect([...kit.sessions.list()].map(({ identity }) => identity.user)).toEqual(["ada"]);
    await client.close();
  });

  test("guessing credentials ends in 4401", async () => {
    const client = await WebSocketClient.open(kit);
    for (let i = 0; i < 5; i += 1) client.command({ type: "authenticate", token: `guess ${i}` });
    expect((await client.closing).code).toBe(4401);
  });
});

test("a client that must authenticate and does not is closed with 4401", async () => {
  const kit = await startCommands({
    authenticator: onlyAda,
    websocket: { authenticateTimeoutMs: 50 },
  });
  const client = await WebSocketClient.open(kit);
  expect((await client.closing).code).toBe(4401);
  await kit.stop();
});

test("one connection over the limit is answered 429 at the handshake", async () => {
  const kit = await startCommands({ maxSessions: 1 });
  const client = await WebSocketClient.open(kit);
  expect(await shake(kit, UPGRADE)).toMatchObject({ status: 429, code: "limit_exceeded" });
  await client.close();
  await kit.stop();
});

test("a permission lost by a new identity holds for commands and deliveries after it", async () => {
  const kit = await startCommands({
    policy: {
      mayPublish: (identity) => identity.user === "ada",
      maySubscribe: () => true,
      mayReceive: (identity, topic) => identity.user === "ada" || topic === "open",
    },
    authenticator: {
      authenticate: async (credentials) => ({
        user: credentials.kind === "password" ? credentials.user : "ada",
      }),
    },
  });
  const client = await WebSocketClient.open(kit);
  await client.subscribe("#");
  client.command({ type: "publish", topic: "secret", payload: "1" });
  expect([(await client.next()).type, (await client.next()).type].sort()).toEqual([
    "message",
    "published",
  ]);
  client.command({ type: "authenticate", user: "bob", password: "" });
  await client.expect("authenticated");
  client.command({ type: "publish", topic: "secret", payload: "2" });
  expect(await client.next()).toMatchObject({ type: "error", code: "forbidden" });
  await client.close();
  await kit.stop();
});
