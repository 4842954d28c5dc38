import { expect, test } from "vitest";
import { NO_PROPERTIES } from "../../src/bus/message.ts";
import { topic } from "../support/bus-kit.ts";
import { SessionWorld, type WorldLink } from "../support/session-world.ts";

/** A persistent session with one subscription, durable. */
async function subscribed(world: SessionWorld, qos: 1 | 2, clientId = "c"): Promise<WorldLink> {
  const link = world.connect(clientId);
  link.subscribe("t", qos);
  await turn(world);
  return link;
}

/** The turn ends and its changes become durable. */
async function turn(world: SessionWorld): Promise<void> {
  await Promise.resolve();
  world.settle();
}

async function open(world: SessionWorld, clientId = "c"): Promise<WorldLink> {
  const link = world.connect(clientId);
  await turn(world);
  return link;
}

test("a subscription outlives the process, and queues what comes before its client is back", async () => {
  const world = new SessionWorld();
  await subscribed(world, 1);
  world.restart();
  world.publish("while away");
  const link = await open(world);
  expect(link.payloads()).toEqual(["while away"]);
});

test("[MQTT-4.4.0-1] what was in flight is sent again with its packet id, in order, before the rest", async () => {
  const world = new SessionWorld({ limits: { maxInflight: 2 } });
  const first = await subscribed(world, 1);
  for (const payload of ["a", "b", "c"]) world.publish(payload);
  const sent = first.take();
  expect(sent.map(({ id }) => id)).toEqual([1, 2]);
  world.settle();
  world.restart();
  const second = await open(world);
  expect(second.take()).toEqual([
    { ...sent[0], dup: true },
    { ...sent[1], dup: true },
  ]);
  second.session.acknowledge(1, 1);
  second.session.acknowledge(2, 1);
  expect(second.take()).toMatchObject([{ id: 3, payload: "c", dup: false }]);
});

test("[MQTT-4.3.3-1] after a PUBREC that is durable, PUBREL is due, before and after a crash", async () => {
  const world = new SessionWorld();
  const first = await subscribed(world, 2);
  world.publish("once", 2);
  world.settle();
  const [message] = first.take();
  first.pubrec(message?.id ?? 0);
  expect(first.take()).toEqual([]);
  world.settle();
  expect(first.take()).toEqual([{ is: "pubrel", id: 1 }]);
  world.restart();
  const second = await open(world);
  expect(second.take()).toEqual([{ is: "pubrel", id: 1 }]);
});

test("a delivery of QoS 2 waits until it is durable, and what follows it waits with it", async () => {
  const world = new SessionWorld();
  const link = await subscribed(world, 2);
  world.publish("one", 1);
  world.publish("two", 2);
  world.publish("three", 1);
  expect(link.payloads()).toEqual(["one"]);
  world.settle();
  expect(link.payloads()).toEqual(["two", "three"]);
});

test("[MQTT-4.3.3-2] a message of QoS 2 sent again after a crash is accepted once", async () => {
  const world = new SessionWorld();
  const writer = await open(world, "writer");
  await subscribed(world, 2, "reader");
  writer.publishOnce(world, 7, "x");
  expect(writer.take()).toEqual([]);
  world.settle();
  expect(writer.take()).toEqual([{ is: "pubrec", id: 7 }]);
  world.restart();
  const again = await open(world, "writer");
  again.publishOnce(world, 7, "x");
  expect(again.take()).toEqual([{ is: "pubrec", id: 7 }]);
  again.pubrel(7);
  expect(again.take()).toEqual([]);
  world.settle();
  expect(again.take()).toEqual([{ is: "pubcomp", id: 7 }]);
  expect((await open(world, "reader")).payloads()).toEqual(["x"]);
});

test("a clean start that discards a stored session is not answered before that is durable", async () => {
  const world = new SessionWorld();
  await subscribed(world, 1);
  const clean = world.connect("c", { clean: true });
  expect(clean.isOpen).toBe(false);
  await turn(world);
  expect(clean.isOpen).toBe(true);
  expect(world.store.sessionNames()).toEqual([]);
});

test("[MQTT-3.1.4-2] a client that takes its session over gets what the first connection had in flight", async () => {
  const world = new SessionWorld();
  const first = await subscribed(world, 1);
  world.publish("x");
  first.take();
  const second = world.connect("c");
  expect(first.endReason).toBe("replaced");
  await turn(world);
  expect(second.take()).toMatchObject([{ payload: "x", dup: true }]);
});

test("absence counts on through a restart, and from the restart for those connected at a crash", async () => {
  const world = new SessionWorld({ sessionExpirySeconds: 60 });
  const away = await subscribed(world, 1, "away");
  await subscribed(world, 1, "connected");
  away.close(true);
  await turn(world);
  world.store.clock.advance(50_000);
  world.restart();
  world.publish("x");
  world.store.clock.advance(10_000);
  world.table.checkRoom("away", false);
  world.table.checkRoom("connected", false);
  expect(world.table.hasPersistent("away")).toBe(false);
  expect(world.table.hasPersistent("connected")).toBe(true);
  expect(world.dropped("session_expired")).toBe(1);
});

test("what the window drops is kept once for a queue, survives the process, and is released", async () => {
  const world = new SessionWorld({ window: 4 });
  await subscribed(world, 1);
  for (let i = 0; i < 20; i += 1) world.publish(`${i}`);
  await turn(world);
  expect(world.store.keptCount).toBe(16);
  world.restart();
  const link = await open(world);
  const seen: string[] = [];
  for (let sent = link.take(); sent.length > 0; sent = link.take()) {
    for (const each of sent) {
      if (each.is === "publish") seen.push(each.payload);
      link.session.acknowledge(each.id, 1);
    }
  }
  expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`));
  world.settle();
  expect(world.store.keptCount).toBe(0);
});

test("stopping twice keeps stored sessions and what is kept for them", async () => {
  const world = new SessionWorld({ window: 2 });
  await subscribed(world, 1);
  for (const payload of ["a", "b", "c"]) world.publish(payload);
  await turn(world);
  world.table.stop();
  world.stopAndRestart();
  expect((await open(world)).payloads()).toEqual(["a", "b", "c"]);
});

test("retained messages that answer a subscription go on where they were after a crash", async () => {
  const world = new SessionWorld({ limits: { maxInflight: 2 }, window: 2 });
  for (const name of ["1", "2", "3", "4"]) {
    world.publish(name, 1, { topic: `r/${name}`, retain: true });
  }
  const first = world.connect("c");
  await turn(world);
  first.subscribe("r/#", 1);
  world.publish("live", 1, { topic: "r/5" });
  await turn(world);
  expect(first.take()).toMatchObject([{ payload: "1", retain: true }, { payload: "2" }]);
  first.session.acknowledge(1, 1);
  await turn(world);
  world.publish("newer", 1, { topic: "r/3", retain: true });
  await turn(world);
  world.restart();
  const second = await open(world);
  const seen: object[] = [];
  for (let sent = second.take(); sent.length > 0; sent = second.take()) {
    seen.push(...sent);
    for (const each of sent) second.session.acknowledge(each.id, 1);
  }
  expect(seen).toMatchObject([
    { payload: "2", retain: true, dup: true },
    { payload: "4", retain: true },
    { payload: "live", retain: false },
    { payload: "newer", retain: false },
  ]);
});

test("under policy disconnect a full queue ends the absent client's session, durably", async () => {
  const world = new SessionWorld({ limits: { maxQueuedMessages: 2 } });
  const link = await subscribed(world, 1);
  link.close(true);
  for (const payload of ["a", "b", "c"]) world.publish(payload);
  await turn(world);
  expect(world.dropped("slow_subscriber")).toBe(3);
  expect(world.table.hasPersistent("c")).toBe(false);
  expect(world.bus.indexSize).toBe(0);
  world.restart();
  expect(world.table.hasPersistent("c")).toBe(false);
});

test("under policy drop-oldest a full queue keeps the newest, durably", async () => {
  const world = new SessionWorld({
    limits: { maxQueuedMessages: 2, queueOverflow: "drop-oldest" },
  });
  const link = await subscribed(world, 1);
  link.close(true);
  for (const payload of ["a", "b", "c"]) world.publish(payload);
  await turn(world);
  expect(world.dropped("drop_oldest")).toBe(1);
  world.restart();
  expect((await open(world)).payloads()).toEqual(["b", "c"]);
});

const WILL = {
  topic: topic("t"),
  payload: Buffer.from("gone"),
  qos: 1,
  retain: false,
  properties: NO_PROPERTIES,
  delaySeconds: 0,
} as const;

test("[MQTT-3.1.2-8] the will of a client that a crash cut off is published after the restart, once", async () => {
  const world = new SessionWorld();
  await subscribed(world, 1, "reader");
  world.connect("sensor", { clean: true, will: WILL });
  await turn(world);
  for (let crash = 0; crash < 2; crash += 1) {
    world.restart();
    world.store.clock.advance(10_000);
    world.table.tick();
    await turn(world);
  }
  expect((await open(world, "reader")).payloads()).toEqual(["gone"]);
  expect(world.store.sessionNames()).toEqual(["client/reader"]);
});

test("a client that is back soon after a restart has its will again, and it is not published", async () => {
  const world = new SessionWorld();
  const reader = await subscribed(world, 1, "reader");
  world.connect("sensor", { clean: true, will: WILL });
  await turn(world);
  reader.close(true);
  world.stopAndRestart();
  const back = world.connect("sensor", { clean: true, will: WILL });
  await turn(world);
  world.store.clock.advance(10_000);
  world.table.tick();
  expect((await open(world, "reader")).payloads()).toEqual([]);
  back.close();
  expect((await open(world, "reader")).payloads()).toEqual(["gone"]);
});

test("[MQTT-3.14.4-3] no will is left behind by a client that says goodbye", async () => {
  const world = new SessionWorld();
  const link = world.connect("sensor", { clean: true, will: WILL });
  await turn(world);
  link.close(true);
  await turn(world);
  expect(world.store.sessionNames()).toEqual([]);
  expect(world.bus.lastOffset).toBe(0);
});

test("a group with a stored member keeps what nobody has taken through a crash", async () => {
  const world = new SessionWorld({ window: 2 });
  const first = world.connect("c");
  await turn(world);
  first.share("g", "t", 1);
  first.close(true);
  for (const payload of ["a", "b", "c"]) world.publish(payload);
  await turn(world);
  world.restart();
  world.publish("d");
  const second = await open(world);
  const seen: string[] = [];
  for (let sent = second.take(); sent.length > 0; sent = second.take()) {
    for (const each of sent) {
      if (each.is === "publish") seen.push(each.payload);
      second.session.acknowledge(each.id, 1);
    }
  }
  expect(seen).toEqual(["a", "b", "c", "d"]);
  second.session.unshare("$share/g/t");
  await turn(world);
  expect(world.store.sessionNames()).toEqual(["client/c"]);
  expect(world.store.keptCount).toBe(0);
});

test("what a stored member leaves unacknowledged comes back to its group, also after a crash", async () => {
  const world = new SessionWorld({ sessionExpirySeconds: 60 });
  const one = world.connect("one");
  await turn(world);
  one.share("g", "t", 1);
  world.publish("a");
  await turn(world);
  expect(one.payloads()).toEqual(["a"]);
  world.settle();
  world.restart();
  const two = world.connect("two");
  two.share("g", "t", 1);
  await turn(world);
  expect(two.payloads()).toEqual([]);
  world.store.clock.advance(60_000);
  world.table.tick();
  await turn(world);
  expect(two.payloads()).toEqual(["a"]);
});

test("groups that no session comes back to are forgotten", async () => {
  const world = new SessionWorld();
  const link = world.connect("c");
  await turn(world);
  link.share("g", "t", 1);
  await turn(world);
  expect(world.store.sessionNames()).toEqual(["client/c", "group/t\0g"]);
  world.connect("c", { clean: true });
  await turn(world);
  world.restart();
  await turn(world);
  expect(world.store.sessionNames()).toEqual([]);
});
