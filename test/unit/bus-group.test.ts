import { describe, expect, test } from "vitest";
import type { GroupMember, GroupMembership } from "../../src/bus/group.ts";
import { ANONYMOUS, type Identity } from "../../src/bus/ports.ts";
import { BusKit, filter } from "../support/bus-kit.ts";
import { refusalOf } from "../support/refusal.ts";

/** A member that takes note of what it is given. */
class Worker implements GroupMember {
  readonly transport = "mqtt" as const;
  readonly given: number[] = [];
  identity: Identity = ANONYMOUS;
  room: number;
  acknowledgesAtOnce = false;

  constructor(room = Number.POSITIVE_INFINITY) {
    this.room = room;
  }

  get hasRoom(): boolean {
    return this.room > 0;
  }

  offer(offset: number, membership: GroupMembership): void {
    this.given.push(offset);
    this.room -= 1;
    if (this.acknowledgesAtOnce) membership.acknowledge(offset);
  }
}

const A = filter("a");

function publishMany(kit: BusKit, count: number): void {
  for (let i = 0; i < count; i += 1) kit.publish("a", "x");
}

describe("a group (MQTT 5 §4.8.2)", () => {
  test("gives each message to one member, in turn", () => {
    const kit = new BusKit();
    const workers = [new Worker(), new Worker(), new Worker()];
    for (const worker of workers) kit.bus.joinGroup("g", A, worker);
    publishMany(kit, 7);
    expect(workers.map((worker) => worker.given)).toEqual([
      [1, 4, 7],
      [2, 5],
      [3, 6],
    ]);
  });

  test("passes over members without room, and waits when none has any", () => {
    const kit = new BusKit();
    const small = new Worker(1);
    const large = new Worker(2);
    kit.bus.joinGroup("g", A, small);
    const membership = kit.bus.joinGroup("g", A, large);
    publishMany(kit, 5);
    expect([small.given, large.given]).toEqual([[1], [2, 3]]);
    large.room = 1;
    membership.ready();
    expect(large.given).toEqual([2, 3, 4]);
  });

  test("gives what a leaving member had not acknowledged to another, before anything newer", () => {
    const kit = new BusKit();
    const leaving = new Worker();
    const staying = new Worker(1);
    const left = kit.bus.joinGroup("g", A, leaving);
    const stays = kit.bus.joinGroup("g", A, staying);
    publishMany(kit, 4);
    left.acknowledge(3);
    left.leave();
    staying.room = 10;
    publishMany(kit, 1);
    stays.ready();
    expect(staying.given).toEqual([2, 1, 4, 5]);
  });

  test("keeps the content of what is unacknowledged after the window has passed it", () => {
    const kit = new BusKit({ window: { maxMessages: 2 } });
    const worker = new Worker(1);
    const membership = kit.bus.joinGroup("g", A, worker);
    for (let i = 1; i <= 9; i += 1) kit.publish("a", String(i));
    expect(membership.messageAt(1)?.payload).toEqual(new TextEncoder().encode("1"));
    worker.room = 100;
    membership.ready();
    expect(worker.given).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(membership.messageAt(4)?.payload).toEqual(new TextEncoder().encode("4"));
  });

  test("drops the oldest waiting message when its queue is full, and counts it", () => {
    const kit = new BusKit({ limits: { queue: { maxMessages: 2, maxBytes: 100 } } });
    const worker = new Worker(0);
    const membership = kit.bus.joinGroup("g", A, worker);
    publishMany(kit, 5);
    expect(kit.observer.drops.get("drop_oldest")).toBe(3);
    worker.room = 5;
    membership.ready();
    expect(worker.given).toEqual([4, 5]);
  });

  test("bounds what a member holds, whatever room it claims", () => {
    const groups = { maxGroups: 1, maxMembersPerGroup: 1, maxUnacknowledgedPerMember: 2 };
    const kit = new BusKit({ limits: { groups } });
    const worker = new Worker();
    const membership = kit.bus.joinGroup("g", A, worker);
    publishMany(kit, 4);
    expect(worker.given).toEqual([1, 2]);
    membership.acknowledge(1);
    expect(worker.given).toEqual([1, 2, 3]);
    expect(refusalOf(() => kit.bus.joinGroup("g", A, new Worker())).code).toBe("limit_exceeded");
    expect(refusalOf(() => kit.bus.joinGroup("h", A, new Worker())).code).toBe("limit_exceeded");
  });

  test("lets a member acknowledge while it is given the message", () => {
    const kit = new BusKit();
    const worker = new Worker();
    worker.acknowledgesAtOnce = true;
    const membership = kit.bus.joinGroup("g", A, worker);
    publishMany(kit, 3);
    membership.leave();
    const next = new Worker();
    kit.bus.joinGroup("g", A, next);
    publishMany(kit, 1);
    expect(next.given).toEqual([4]);
  });

  test("gives a message only to members that may receive it, and drops what none may", () => {
    const kit = new BusKit({
      policy: {
        mayPublish: () => true,
        maySubscribe: () => true,
        mayReceive: (identity, topic) => topic !== "a/secret" || identity.user === "admin",
      },
    });
    const guest = new Worker();
    const admin = new Worker();
    admin.identity = { user: "admin" };
    kit.bus.joinGroup("g", filter("a/+"), guest);
    const left = kit.bus.joinGroup("g", filter("a/+"), admin);
    kit.publish("a/secret");
    kit.publish("a/secret");
    expect([guest.given, admin.given]).toEqual([[], [1, 2]]);
    left.acknowledge(1);
    left.acknowledge(2);
    left.leave();
    kit.publish("a/secret");
    expect(kit.observer.drops.get("forbidden")).toBe(1);
  });

  test("does not give away what has expired meanwhile", () => {
    const kit = new BusKit();
    const worker = new Worker(0);
    const membership = kit.bus.joinGroup("g", A, worker);
    kit.publish("a", "1", { properties: { expiry: 1 } });
    kit.publish("a", "2");
    kit.clock.advance(1_000);
    worker.room = 5;
    membership.ready();
    expect(worker.given).toEqual([2]);
    expect(kit.observer.drops.get("expired")).toBe(1);
  });

  test("ends with its last member and leaves nothing in the index", () => {
    const kit = new BusKit();
    const membership = kit.bus.joinGroup("g", A, new Worker(0));
    kit.bus.joinGroup("g", filter("b"), new Worker()).leave();
    publishMany(kit, 3);
    expect([kit.bus.groupCount, kit.bus.indexSize]).toEqual([1, 1]);
    membership.leave();
    membership.leave();
    expect([kit.bus.groupCount, kit.bus.indexSize]).toEqual([0, 0]);
    const late = new Worker();
    kit.bus.joinGroup("g", A, late);
    expect(late.given).toEqual([]);
  });
});
