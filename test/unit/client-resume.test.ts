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

/** A handler that keeps payloads as text. */
function listener() {
  const seen: string[] = [];
  return {
    seen,
    onMessage: (message: { payload: Uint8Array }) =>
      void seen.push(new TextDecoder().decode(message.payload)),
  };
}

const afterBackoff = () => vi.advanceTimersByTimeAsync(31_000);

test("resumes each subscription from its own position after a cut", async () => {
  const client = await connect();
  const [a, b] = [listener(), listener()];
  client.subscribe("a/#", a);
  gateway.latest.grant(10);
  client.subscribe("b/#", b);
  const subscribeB = gateway.latest.commands("subscribe").at(-1);
  gateway.latest.message("a/1", 11);
  // B is still catching up: the connection's position is not yet its own.
  gateway.latest.say({
    type: "subscribed",
    id: subscribeB?.id,
    filter: "b/#",
    cursor: cursorAt(3),
    delivery: "at-least-once",
    recovered: true,
  });
  gateway.latest.message("b/1", 5, subscribeB?.id);
  gateway.latest.message("a/1", 12);
  gateway.latest.cut();
  await afterBackoff();
  expect(gateway.latest.commands("subscribe")).toEqual([
    expect.objectContaining({ filter: "a/#", cursor: cursorAt(12), retained: false }),
    expect.objectContaining({ filter: "b/#", cursor: cursorAt(5), retained: false }),
  ]);
  expect(a.seen).toEqual(["11", "12"]);
  expect(b.seen).toEqual(["5"]);
  await client.close();
});

test("a start at now that was cut before it was live starts again, retained included", async () => {
  const client = await connect();
  client.subscribe("a", listener());
  const { id } = gateway.latest.commands("subscribe")[0] ?? {};
  gateway.latest.say({
    type: "subscribed",
    id,
    filter: "a",
    cursor: cursorAt(4),
    delivery: "at-most-once",
    recovered: false,
  });
  gateway.latest.cut();
  await afterBackoff();
  expect(gateway.latest.commands("subscribe")[0]).toMatchObject({ cursor: "now", retained: true });
  await client.close();
});

test("a position frame moves what is live", async () => {
  const client = await connect();
  const subscription = client.subscribe("a", listener());
  gateway.latest.grant(1);
  await subscription.ready;
  gateway.latest.say({ type: "position", cursor: cursorAt(99) });
  expect(subscription.cursor).toBe(cursorAt(99));
  await client.close();
});

test("a live message reaches every matching subscription once, a recovered one only its own", async () => {
  const client = await connect();
  const [all, one] = [listener(), listener()];
  client.subscribe("#", all);
  gateway.latest.grant(0);
  client.subscribe("a/+", one);
  gateway.latest.grant(0);
  gateway.latest.message("a/1", 1);
  gateway.latest.message("b", 2);
  const { id } = gateway.latest.commands("subscribe")[0] ?? {};
  gateway.latest.message("a/2", 3, id);
  expect(all.seen).toEqual(["1", "2", "3"]);
  expect(one.seen).toEqual(["1"]);
  await client.close();
});

test("a gap is told, and reading goes on from the earliest", async () => {
  const client = await connect();
  const onGap = vi.fn();
  const subscription = client.subscribe("a", { ...listener(), onGap });
  gateway.latest.grant(1);
  gateway.latest.say({
    type: "gap",
    filter: "a",
    from: cursorAt(1),
    earliest: cursorAt(50),
    reason: "retention",
  });
  expect(onGap).toHaveBeenCalledOnce();
  expect(subscription.cursor).toBe(cursorAt(50));
  await client.close();
});

test("publishes that were not answered are sent again in order, answered ones are not", async () => {
  const client = await connect();
  const first = client.publish({ topic: "t", payload: new Uint8Array([49]) });
  const second = client.publish({ topic: "t", payload: new Uint8Array([50]) });
  const third = client.publish({ topic: "t", payload: new Uint8Array([51]) });
  const answer = (index: number, offset: number) => {
    const { id } = gateway.latest.commands("publish")[index] ?? {};
    gateway.latest.say({ type: "published", id, cursor: cursorAt(offset), offset });
  };
  answer(0, 1);
  await expect(first).resolves.toMatchObject({ offset: 1 });
  gateway.latest.cut();
  await afterBackoff();
  expect(gateway.latest.commands("publish").map(({ payload }) => payload)).toEqual(["2", "3"]);
  answer(0, 2);
  answer(1, 3);
  await expect(second).resolves.toMatchObject({ offset: 2 });
  await expect(third).resolves.toMatchObject({ offset: 3 });
  await client.close();
});

test.each([4401, 4403, 1002])("does not come back after close code %i", async (code) => {
  const client = await connect();
  const subscription = client.subscribe("a", listener());
  const pending = client.publish({ topic: "t", payload: new Uint8Array() });
  gateway.latest.cut(code);
  await expect(client.ended).resolves.toMatchObject({ code });
  await expect(pending).rejects.toMatchObject({ code: "draining" });
  await expect(subscription.ready).rejects.toMatchObject({ code: "draining" });
  await afterBackoff();
  expect(gateway.connections).toHaveLength(1);
});

test("goes on trying while the gateway is away, and comes back", async () => {
  const onReconnected = vi.fn();
  const client = await connect({ onReconnected });
  gateway.onConnect = (connection) => connection.cut();
  gateway.latest.cut(1001);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(gateway.connections.length).toBeGreaterThan(5);
  gateway.onConnect = (connection) => connection.welcome();
  // Not a whole back-off at once: a welcomed connection that hears nothing for so long is given up.
  for (let second = 0; second < 31 && !client.isConnected; second += 1) {
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(onReconnected).toHaveBeenCalledOnce();
  expect(client.isConnected).toBe(true);
  await client.close();
});

test("a long absence does not make the next one long, too", async () => {
  const delays: number[] = [];
  const client = await connect({ onReconnecting: (_, delayMs) => void delays.push(delayMs) });
  gateway.onConnect = (connection) => connection.cut();
  gateway.latest.cut();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(Math.max(...delays)).toBeGreaterThan(5_000);
  gateway.onConnect = (connection) => connection.welcome();
  for (let second = 0; second < 31 && !client.isConnected; second += 1) {
    await vi.advanceTimersByTimeAsync(1_000);
  }
  delays.length = 0;
  gateway.latest.cut();
  expect(delays[0]).toBeLessThanOrEqual(250);
  await client.close();
});

test("a refused first connection rejects with the code and is not repeated", async () => {
  gateway.onConnect = (connection) => connection.cut(4401);
  await expect(connect()).rejects.toMatchObject({ closeCode: 4401 });
  await afterBackoff();
  expect(gateway.connections).toHaveLength(1);
});

test("raw TCP has no close codes: the refusal before the end decides", async () => {
  const client = await connect();
  gateway.latest.say({ type: "error", code: "too_large", message: "line", retryable: false });
  gateway.latest.cut();
  await expect(client.ended).resolves.toMatchObject({ code: 1009 });
});

test("a refusal that did not end the connection does not forbid a later reconnection", async () => {
  const client = await connect();
  gateway.latest.say({ type: "error", code: "forbidden", message: "no", retryable: false });
  gateway.latest.say({ type: "position", cursor: cursorAt(1) });
  gateway.latest.cut();
  await afterBackoff();
  expect(client.isConnected).toBe(true);
  await client.close();
});

test("nothing is left running after close", async () => {
  const client = await connect();
  client.subscribe("a", listener());
  gateway.latest.cut();
  await client.close();
  expect(vi.getTimerCount()).toBe(0);
});
