import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TributaryClient } from "../../src/client/client.ts";
import { JSON_FORM } from "../../src/client/client-form.ts";
import type { ClientOptions } from "../../src/client/client-options.ts";
import { cursorAt, ScriptedGateway } from "../support/scripted-socket.ts";

let gateway: ScriptedGateway;

beforeEach(() => {
  vi.useFakeTimers();
  gateway = new ScriptedGateway();
});

afterEach(() => {
  vi.useRealTimers();
});

function connect(options: ClientOptions = {}): Promise<TributaryClient> {
  return TributaryClient.connect(gateway.open, JSON_FORM, options);
}

const PAYLOAD = new Uint8Array([1]);

test("authenticates before anything else and is connected only then", async () => {
  gateway.onConnect = (connection) => {
    connection.welcome();
    const [command] = connection.commands("authenticate");
    expect(command).toMatchObject({ user: "u", password: "p" });
    connection.say({ type: "authenticated", id: command?.id });
  };
  const client = await connect({ credentials: { user: "u", password: "p" } });
  expect(client.isConnected).toBe(true);
  await client.close();
});

test("wrong credentials reject with the gateway's refusal", async () => {
  gateway.onConnect = (connection) => {
    connection.welcome();
    const { id } = connection.commands("authenticate")[0] ?? {};
    connection.say({
      type: "error",
      id,
      code: "unauthenticated",
      message: "who?",
      retryable: false,
    });
  };
  const attempt = connect({ credentials: { token: "t" } });
  await expect(attempt).rejects.toMatchObject({
    closeCode: 4401,
    refusal: { code: "unauthenticated" },
  });
});

test("a gateway that never says welcome is given up at the deadline", async () => {
  gateway.onConnect = () => undefined;
  const attempt = connect({ connectTimeoutMs: 500 });
  const outcome = expect(attempt).rejects.toMatchObject({ closeCode: 1006 });
  await vi.advanceTimersByTimeAsync(500);
  await outcome;
});

test("asks a silent gateway for a sign of life, then gives the connection up", async () => {
  const client = await connect();
  const [first] = gateway.connections;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(first?.commands("ping")).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(10_500);
  expect(first?.closedWith).not.toBeNull();
  expect(gateway.connections).toHaveLength(2);
  await client.close();
});

test("a gateway that answers keeps the connection for hours", async () => {
  const client = await connect();
  for (let hour = 0; hour < 360; hour += 1) {
    await vi.advanceTimersByTimeAsync(10_000);
    gateway.latest.say({ type: "position", cursor: cursorAt(hour) });
  }
  expect(gateway.connections).toHaveLength(1);
  await client.close();
});

test("a refused publish rejects with its code and leaves the others alone", async () => {
  const client = await connect();
  const bad = client.publish({ topic: "$SYS/x", payload: PAYLOAD });
  const good = client.publish({ topic: "t", payload: PAYLOAD });
  const [first, second] = gateway.latest.commands("publish");
  gateway.latest.say({
    type: "error",
    id: first?.id,
    code: "forbidden",
    message: "reserved",
    retryable: false,
  });
  gateway.latest.say({ type: "published", id: second?.id, cursor: cursorAt(1), offset: 1 });
  await expect(bad).rejects.toMatchObject({ code: "forbidden" });
  await expect(good).resolves.toMatchObject({ offset: 1 });
  await client.close();
});

test("refuses a publish past the limit of unanswered ones and takes it after an answer", async () => {
  const client = await connect({ maxPendingPublishes: 2 });
  const pending = [1, 2].map(() => client.publish({ topic: "t", payload: PAYLOAD }));
  const refused = client.publish({ topic: "t", payload: PAYLOAD });
  await expect(refused).rejects.toMatchObject({ code: "limit_exceeded" });
  const room = client.whenPublishable();
  const { id } = gateway.latest.commands("publish")[0] ?? {};
  gateway.latest.say({ type: "published", id, cursor: cursorAt(1), offset: 1 });
  await room;
  pending.push(client.publish({ topic: "t", payload: PAYLOAD }));
  expect(gateway.latest.commands("publish")).toHaveLength(3);
  const outcomes = Promise.allSettled(pending);
  await client.close();
  expect((await outcomes).map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "rejected",
  ]);
});

test("a publish without acknowledgement carries no id and says whether it left", async () => {
  const client = await connect({ reconnect: true });
  expect(client.publishUnanswered({ topic: "t", payload: PAYLOAD })).toBe(true);
  expect(gateway.latest.commands("publish")[0]).not.toHaveProperty("id");
  gateway.latest.cut();
  expect(client.publishUnanswered({ topic: "t", payload: PAYLOAD })).toBe(false);
  await client.close();
});

test("a refused subscription is told and not asked for again", async () => {
  const client = await connect();
  const onRefused = vi.fn();
  const subscription = client.subscribe("secret/#", { onMessage: vi.fn(), onRefused });
  const { id } = gateway.latest.commands("subscribe")[0] ?? {};
  gateway.latest.say({ type: "error", id, code: "forbidden", message: "no", retryable: false });
  await expect(subscription.ready).rejects.toMatchObject({ code: "forbidden" });
  expect(onRefused).toHaveBeenCalledOnce();
  gateway.latest.cut();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(gateway.latest.commands("subscribe")).toEqual([]);
  await client.close();
});

test("nothing is handed over after unsubscribe, even if it was under way", async () => {
  const client = await connect();
  const onMessage = vi.fn();
  const subscription = client.subscribe("a", { onMessage });
  gateway.latest.grant(0);
  client.unsubscribe(subscription);
  gateway.latest.message("a", 1);
  expect(onMessage).not.toHaveBeenCalled();
  expect(gateway.latest.commands("unsubscribe")).toEqual([
    expect.objectContaining({ filter: "a" }),
  ]);
  await client.close();
});

test("refuses a filter it already has, and one that breaks the rules", async () => {
  const client = await connect();
  client.subscribe("a", { onMessage: vi.fn() });
  expect(() => client.subscribe("a", { onMessage: vi.fn() })).toThrow(
    expect.objectContaining({ code: "bad_request" }),
  );
  expect(() => client.subscribe("a#", { onMessage: vi.fn() })).toThrow(
    expect.objectContaining({ code: "invalid_filter" }),
  );
  await client.close();
});

test("a frame it cannot read ends the connection for good with 1002", async () => {
  const client = await connect();
  gateway.latest.babble('{"type":"gibberish"}');
  await expect(client.ended).resolves.toMatchObject({ code: 1002 });
  expect(gateway.latest.closedWith).toBe(1002);
});

test("a refusal that names no command is reported", async () => {
  const onError = vi.fn();
  const client = await connect({ onError });
  gateway.latest.say({ type: "error", code: "rate_limited", message: "slow", retryable: true });
  expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: "rate_limited" }));
  await client.close();
});
