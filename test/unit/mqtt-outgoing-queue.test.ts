import { describe, expect, test } from "vitest";
import type { QoS } from "../../src/bus/message.ts";
import type { QueueEntry, StoredSession } from "../../src/bus/session-store.ts";
import { OutgoingQueue, packetIdOf } from "../../src/transport/mqtt/outgoing-queue.ts";

/** Notes what is kept, and fails when something is kept or released twice. */
class Keeper {
  announcedBelow = 0;
  readonly kept = new Set<number>();
  looks = 0;
  #holders: { evicting(firstOffset: number): void }[] = [];

  keepAt(offset: number): boolean {
    this.looks += 1;
    if (this.kept.has(offset)) throw new Error(`${offset} is kept already`);
    this.kept.add(offset);
    return true;
  }

  release(offset: number): void {
    if (!this.kept.delete(offset)) throw new Error(`${offset} is not kept`);
  }

  sizeAt(): number {
    return 1;
  }

  addHolder(holder: { evicting(firstOffset: number): void }): () => void {
    this.#holders.push(holder);
    return () => {
      this.#holders = this.#holders.filter((each) => each !== holder);
    };
  }

  evict(firstOffset: number): void {
    this.announcedBelow = firstOffset;
    for (const holder of this.#holders) holder.evicting(firstOffset);
  }
}

const LIMITS = { maxInflight: 4, maxQueuedMessages: 10, maxQueuedBytes: 1_000 };

function setUp(limits: Partial<typeof LIMITS> = {}, stored: StoredSession | null = null) {
  const keeper = new Keeper();
  const queue = new OutgoingQueue({ ...LIMITS, ...limits }, keeper, stored);
  const push = (offset: number, qos: QoS = 1, subscriptionId = 0) =>
    queue.push({ offset, bytes: 1, qos, isRetained: false, subscriptionId });
  const send = (): number => {
    const sequence = queue.nextSequence;
    if (sequence === 0 || !queue.hasWindow) return 0;
    queue.take(sequence);
    return packetIdOf(sequence);
  };
  return { keeper, queue, push, send };
}

/** A stored session that remembers what was pushed. */
function recording(): StoredSession & { readonly pushed: QueueEntry[] } {
  const nothing = () => undefined;
  const pushed: QueueEntry[] = [];
  return {
    pushed,
    durableThrough: 0,
    save: nothing,
    push: (entry) => pushed.push(entry),
    sent: nothing,
    received: nothing,
    done: nothing,
    addIncoming: nothing,
    deleteIncoming: nothing,
    delete: nothing,
  };
}

describe("the packet ids of a queue", () => {
  test("follow one another, wrap at 65,535 and are never 0 [MQTT-2.3.1-1]", () => {
    const { queue, push, send } = setUp();
    for (let i = 1; i <= 65_540; i += 1) {
      push(i);
      const id = send();
      expect(id).toBe(i <= 65_535 ? i : i - 65_535);
      expect(queue.acknowledge(id, 1)).toBe(true);
    }
    expect(queue.length).toBe(0);
  });

  test("are not given out while the oldest one they might be mistaken for is in use", () => {
    const { queue, push, send } = setUp();
    push(1);
    expect(send()).toBe(1);
    for (let i = 2; i <= 65_535; i += 1) {
      push(i);
      expect(queue.acknowledge(send(), 1)).toBe(true);
    }
    push(65_536);
    expect(send()).toBe(0);
    expect(queue.acknowledge(1, 1)).toBe(true);
    expect(send()).toBe(1);
  });

  test("complete only what is in flight with that QoS", () => {
    const { queue, push, send } = setUp();
    push(1, 2);
    expect(queue.acknowledge(1, 2)).toBe(false);
    send();
    expect(queue.acknowledge(1, 1)).toBe(false);
    expect(queue.acknowledge(0, 2)).toBe(false);
    expect(queue.acknowledge(65_535, 2)).toBe(false);
    expect(queue.acknowledge(1, 2)).toBe(true);
    expect(queue.acknowledge(1, 2)).toBe(false);
  });
});

describe("the window of a queue", () => {
  test("is the client's when that is smaller, and counts anew on each connection", () => {
    const { queue, push, send } = setUp();
    for (let i = 1; i <= 5; i += 1) push(i);
    expect([send(), send(), send(), send(), send()]).toEqual([1, 2, 3, 4, 0]);
    queue.resume(2);
    expect([send(), send(), send()]).toEqual([1, 2, 0]);
    // An answer to what was sent on the connection before frees no place on this one.
    queue.acknowledge(3, 1);
    expect(send()).toBe(0);
    queue.acknowledge(1, 1);
    expect([send(), send()]).toEqual([4, 0]);
  });
});

describe("bodies of a queue", () => {
  test("are kept once, when the log drops them, and released when they are done", () => {
    const { queue, keeper, push, send } = setUp();
    for (const offset of [10, 20, 30]) push(offset);
    keeper.evict(15);
    keeper.evict(16);
    expect([...keeper.kept]).toEqual([10]);
    keeper.evict(31);
    expect([...keeper.kept]).toEqual([10, 20, 30]);
    while (queue.length > 0) queue.acknowledge(send(), 1);
    expect(keeper.kept.size).toBe(0);
  });

  test("cost each announcement only what it newly concerns", () => {
    const { keeper, push } = setUp({ maxQueuedMessages: 1_000 });
    for (let offset = 1; offset <= 1_000; offset += 1) push(offset);
    for (let first = 1; first <= 2_000; first += 1) keeper.evict(first);
    expect(keeper.looks).toBe(1_000);
  });

  test("are kept at once when they come out of order or too late to be announced", () => {
    const { keeper, push } = setUp();
    keeper.evict(50);
    push(40);
    push(60);
    push(55);
    expect([...keeper.kept]).toEqual([40, 55]);
  });

  test("are not needed any more once PUBREC has come", () => {
    const { queue, keeper, push, send } = setUp();
    push(1, 2);
    push(2, 2);
    send();
    keeper.evict(2);
    queue.received(1);
    keeper.evict(3);
    expect([...keeper.kept]).toEqual([2]);
  });
});

describe("a message that several filters match", () => {
  test("is queued once, with the highest QoS and every identifier, in the store too", () => {
    const stored = recording();
    const { queue, push } = setUp({}, stored);
    push(1, 1, 7);
    const again = { offset: 1, bytes: 1, isRetained: false };
    expect(queue.merge({ ...again, qos: 2, subscriptionId: 9 })).toBe(true);
    expect(queue.merge({ ...again, qos: 1, subscriptionId: 7 })).toBe(true);
    expect(queue.merge({ ...again, offset: 2, qos: 1, subscriptionId: 7 })).toBe(false);
    expect(stored.pushed).toHaveLength(2);
    expect(stored.pushed[1]).toMatchObject({ sequence: 1, qos: 2, subscriptionIds: [7, 9] });
    expect(queue.length).toBe(1);
  });
});

describe("a full queue", () => {
  test("is full by count and by bytes, and lets one message of any size in", () => {
    const { queue, push } = setUp({ maxQueuedMessages: 2 });
    expect(queue.hasRoomFor(1_000_000)).toBe(true);
    push(1);
    expect(queue.hasRoomFor(1_000)).toBe(false);
    expect(queue.hasRoomFor(999)).toBe(true);
    push(2);
    expect(queue.hasRoomFor(1)).toBe(false);
  });

  test("drops the oldest that was not sent, and none when all were", () => {
    const { queue, push, send } = setUp();
    for (let i = 1; i <= 3; i += 1) push(i);
    send();
    expect([queue.dropOldest(), queue.dropOldest(), queue.dropOldest()]).toEqual([1, 1, 0]);
    expect(queue.acknowledge(1, 1)).toBe(true);
    push(4);
    expect(send()).toBe(4);
  });

  test("does not grow for ever behind one message that is never acknowledged", () => {
    const { queue, push, send } = setUp({ maxQueuedMessages: 10 });
    push(1);
    send();
    for (let i = 2; i <= 200_000; i += 1) {
      while (queue.isStretched || !queue.hasRoomFor(1)) queue.dropOldest();
      push(i);
    }
    expect(queue.length).toBe(10);
    expect(queue.acknowledge(1, 1)).toBe(false);
    expect(queue.entries.offsetAt(queue.nextSequence)).toBe(199_991);
  });
});
