import { expect, test } from "vitest";
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

test("a store that fails is not taken for one that has written", async () => {
  const world = new SessionWorld();
  const link = await subscribed(world, 2);
  world.publish("x", 2);
  expect(link.take()).toEqual([]);
  world.store.fail();
  expect(link.take()).toEqual([]);
  world.table.tick();
  world.settle();
  expect(link.payloads()).toEqual(["x"]);
});

test("a store at fault is asked once a turn for what waits for it, and delivered from when it heals", async () => {
  const world = new SessionWorld();
  const link = await subscribed(world, 2);
  world.store.isFaulty = true;
  world.publish("x", 2);
  // True would be asked again in the next turn of the event loop, and so on without end.
  expect(link.fillOnce()).toBe(false);
  world.table.tick();
  expect(link.fillOnce()).toBe(false);
  world.store.isFaulty = false;
  expect(link.wakes).toBe(0);
  world.table.tick();
  expect(link.wakes).toBe(1);
  world.settle();
  expect(link.payloads()).toEqual(["x"]);
});

test("what a store at fault withheld is delivered to the client's next connection", async () => {
  const world = new SessionWorld();
  const first = await subscribed(world, 2);
  world.store.isFaulty = true;
  world.publish("x", 2);
  expect(first.fillOnce()).toBe(false);
  first.close();
  world.store.isFaulty = false;
  world.settle();
  const second = await open(world);
  expect(second.payloads()).toEqual(["x"]);
});
