import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { COMMAND_CLIENTS, type CommandClient, type Frame } from "../support/command-client.ts";
import { type CommandKit, startCommands } from "../support/command-kit.ts";

const types = (frames: readonly Frame[]) => frames.map(({ type }) => type);
const payloads = (frames: readonly Frame[]) =>
  frames.filter(({ type }) => type === "message").map(({ payload }) => payload);

describe.each(COMMAND_CLIENTS)("the order of frames over $name", ({ name, open }) => {
  let kit: CommandKit;
  let client: CommandClient;

  beforeEach(async () => {
    kit = await startCommands();
    client = await open(kit);
  });

  afterEach(async () => {
    await client.close();
    await kit.stop();
  });

  test("subscribed comes first, then retained messages, then live, then live messages", async () => {
    kit.publish("room/1", "kept", { retain: true });
    const id = client.command({ type: "subscribe", filter: "room/+" });
    expect(await client.expect("subscribed")).toMatchObject({ id, filter: "room/+" });
    const retained = await client.expect("message");
    expect(retained).toMatchObject({ payload: "kept", retained: true, subscription: id });
    expect(retained).not.toHaveProperty("cursor");
    const live = await client.expect("live");
    expect(live).toMatchObject({ id, cursor: kit.bus.cursorAt(1) });
    kit.publish("room/1", "new", { retain: true });
    const message = await client.expect("message");
    expect(message).toMatchObject({ payload: "new", cursor: kit.bus.cursorAt(2), qos: 1 });
    expect(message).not.toHaveProperty("subscription");
    expect(message).not.toHaveProperty("retained");
  });

  test("sends nothing retained to a subscription that does not want it", async () => {
    kit.publish("room/1", "kept", { retain: true });
    await client.subscribe("room/+", { retained: false });
    expect(await client.untilPong()).toEqual([]);
  });

  test("recovered messages carry the subscription and come before live", async () => {
    for (const payload of ["a", "b", "c"]) kit.publish("room/1", payload);
    kit.publish("other", "x");
    const id = client.command({ type: "subscribe", filter: "room/#", cursor: kit.bus.cursorAt(1) });
    expect(await client.expect("subscribed")).toMatchObject({
      recovered: true,
      delivery: "at-least-once",
      cursor: kit.bus.cursorAt(1),
    });
    for (const payload of ["b", "c"]) {
      expect(await client.expect("message")).toMatchObject({ payload, subscription: id });
    }
    expect(await client.expect("live")).toMatchObject({ id, cursor: kit.bus.cursorAt(4) });
  });

  test("two subscriptions that overlap get one live message between them", async () => {
    await client.subscribe("room/+");
    await client.subscribe("room/#");
    await client.subscribe("room/1");
    kit.publish("room/1", "once");
    expect(payloads(await client.untilPong())).toEqual(["once"]);
  });

  test("nothing comes for a filter after its unsubscribed", async () => {
    await client.subscribe("room/1");
    for (let i = 0; i < 100; i += 1) kit.publish("room/1", String(i));
    client.command({ type: "unsubscribe", filter: "room/1" });
    for (;;) if ((await client.next()).type === "unsubscribed") break;
    kit.publish("room/1", "late");
    expect(await client.untilPong()).toEqual([]);
    expect(kit.bus.subscriptionCount).toBe(0);
  });

  test("an unknown filter is unsubscribed as well", async () => {
    const id = client.command({ type: "unsubscribe", filter: "never/held" });
    expect(await client.next()).toEqual({ type: "unsubscribed", id, filter: "never/held" });
  });

  test("the same filter again replaces its options and starts again", async () => {
    kit.publish("room/1", "first");
    await client.subscribe("room/1");
    client.command({ type: "subscribe", filter: "room/1", cursor: "earliest" });
    await client.expect("subscribed");
    expect(await client.expect("message")).toMatchObject({ payload: "first", subscription: 2 });
    await client.expect("live");
    kit.publish("room/1", "second");
    expect(payloads(await client.untilPong())).toEqual(["second"]);
    expect(kit.bus.subscriptionCount).toBe(1);
  });

  test("commands that come together are answered in their order", async () => {
    const commands = [
      { type: "publish", topic: "a", payload: "1" },
      { type: "subscribe", filter: "a" },
      { type: "subscribe", filter: "a/#/b" },
      { type: "publish", topic: "a", payload: "2" },
      { type: "publish", topic: "$reserved", payload: "" },
      { type: "unsubscribe", filter: "a" },
      { type: "ping", sentAt: 12.5 },
    ];
    for (const command of commands) client.command(command);
    const answers: Frame[] = [];
    while (answers.at(-1)?.type !== "pong") {
      const frame = await client.next();
      if (frame.type !== "message" && frame.type !== "live") answers.push(frame);
    }
    expect(answers.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(types(answers)).toEqual([
      "published",
      "subscribed",
      "error",
      "published",
      "error",
      "unsubscribed",
      "pong",
    ]);
    expect(answers.at(-1)).toMatchObject({ sentAt: 12.5 });
  });

  test("a publish without an id is QoS 0 and answered only when it is refused", async () => {
    await client.subscribe("room/1");
    client.send('{"type":"publish","topic":"room/1","payload":"quiet"}');
    expect(await client.next()).toMatchObject({ type: "message", qos: 0, payload: "quiet" });
    client.send('{"type":"publish","topic":"room/+","payload":""}');
    const error = await client.expect("error");
    expect(error).toMatchObject({ code: "invalid_topic", retryable: false });
    expect(error).not.toHaveProperty("id");
  });

  test("a publish with an id says its place, and its message comes back with all it carried", async () => {
    await client.subscribe("room/1");
    const id = client.command({
      type: "publish",
      topic: "room/1",
      payload: "/wA=",
      encoding: "base64",
      contentType: "application/octet-stream",
      expiry: 60,
      userProperties: [["k", "v"]],
      responseTopic: "answers",
      correlationData: "AQI=",
    });
    const frames = [await client.next(), await client.next()];
    expect(frames).toContainEqual({
      type: "published",
      id,
      cursor: kit.bus.cursorAt(1),
      offset: 1,
    });
    expect(frames.find(({ type }) => type === "message")).toMatchObject({
      topic: "room/1",
      payload: "/wA=",
      encoding: "base64",
      contentType: "application/octet-stream",
      expiry: 60,
      userProperties: [["k", "v"]],
      responseTopic: "answers",
      correlationData: "AQI=",
      qos: 1,
      cursor: kit.bus.cursorAt(1),
      ingress: name,
    });
  });

  test("10,000 messages of one publisher come in the order they were sent", async () => {
    await client.subscribe("room/1");
    const publisher = await open(kit);
    for (let i = 0; i < 10_000; i += 1) {
      publisher.send(`{"type":"publish","topic":"room/1","payload":"${i}"}`);
      // The queue of a live subscription is bounded: the reader must have a turn to keep up.
      if (i % 100 === 99) await publisher.untilPong();
    }
    for (let i = 0; i < 10_000; i += 1) {
      expect((await client.expect("message")).payload).toBe(String(i));
    }
    await publisher.close();
  });

  test("an idempotency key publishes once, and with another message is refused", async () => {
    await client.subscribe("room/1");
    const publish = { type: "publish", topic: "room/1", payload: "a", idempotencyKey: "k" };
    client.command(publish);
    client.command(publish);
    client.command({ ...publish, payload: "b" });
    // An answer may overtake the message it was accepted with, but no other message came.
    const frames = [await client.next(), await client.next(), await client.next()];
    frames.push(await client.next(), ...(await client.untilPong()));
    expect(payloads(frames)).toEqual(["a"]);
    const answers = frames.filter(({ type }) => type !== "message");
    expect(answers).toMatchObject([
      { type: "published", offset: 1 },
      { type: "published", offset: 1 },
      { type: "error", code: "idempotency_mismatch" },
    ]);
  });

  test("an idempotency key holds on the next connection, too", async () => {
    const publish = { type: "publish", topic: "room/1", payload: "a", idempotencyKey: "k" };
    client.command(publish);
    expect(await client.expect("published")).toMatchObject({ offset: 1 });
    const again = await open(kit);
    again.command(publish);
    expect(await again.expect("published")).toMatchObject({ offset: 1 });
    await again.close();
  });
});
