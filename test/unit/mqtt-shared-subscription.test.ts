import { expect, test } from "vitest";
import { SessionWorld, type WorldLink } from "../support/session-world.ts";

/** Two clients of one group; everything is durable. */
async function setUp(clean: boolean): Promise<[SessionWorld, WorldLink, WorldLink]> {
  const world = new SessionWorld();
  const one = world.connect("one", { clean });
  const two = world.connect("two", { clean });
  await settled(world);
  one.share("g", "t", 2);
  two.share("g", "t", 2);
  await settled(world);
  return [world, one, two];
}

async function settled(world: SessionWorld): Promise<void> {
  await Promise.resolve();
  world.settle();
}

test("[MQTT-4.8.2-5] what a member was sent at QoS 2 is given to no other when its session ends", async () => {
  for (const clean of [true, false]) {
    const [world, one, two] = await setUp(clean);
    world.publish("a", 2);
    world.publish("b", 2);
    await settled(world);
    expect([one.payloads(), two.payloads()]).toEqual([["a"], ["b"]]);
    one.close();
    world.connect("one", { clean: true });
    await settled(world);
    two.session.acknowledge(1, 2);
    expect(two.payloads()).toEqual([]);
  }
});

test("[MQTT-4.8.2-4] what a member was sent is completed by it when it comes back", async () => {
  const [world, one, two] = await setUp(false);
  world.publish("a", 2);
  await settled(world);
  const [message] = one.take();
  one.close();
  const again = world.connect("one");
  await settled(world);
  expect(again.take()).toEqual([{ ...message, dup: true }]);
  expect(two.payloads()).toEqual([]);
});

test("a member that unsubscribes completes what it was sent, and gives back what it was not", async () => {
  const [world, one, two] = await setUp(false);
  world.publish("sent");
  await settled(world);
  expect(one.payloads()).toEqual(["sent"]);
  two.session.unshare("$share/g/t");
  world.publish("not sent");
  two.share("g", "t", 1);
  one.session.unshare("$share/g/t");
  await settled(world);
  expect(two.payloads()).toEqual(["not sent"]);
  expect(one.session.acknowledge(1, 1)).toBe(true);
  await settled(world);
  world.restart();
  const again = world.connect("one");
  await settled(world);
  expect(again.payloads()).toEqual([]);
});

test("a message has one owner on disk, whoever holds it when the process ends", async () => {
  const [world, one, two] = await setUp(false);
  for (const payload of ["a", "b", "c", "d"]) world.publish(payload);
  await settled(world);
  one.payloads();
  two.payloads();
  world.restart();
  const seen: string[] = [];
  for (const clientId of ["one", "two", "one", "two"]) {
    const link = world.connect(clientId);
    await settled(world);
    for (const sent of link.take()) {
      if (sent.is === "publish") seen.push(sent.payload);
      link.session.acknowledge(sent.id, 1);
    }
    await settled(world);
  }
  expect(seen.sort()).toEqual(["a", "b", "c", "d"]);
  expect(world.store.sessionNames()).toContain("group/t\0g");
});
