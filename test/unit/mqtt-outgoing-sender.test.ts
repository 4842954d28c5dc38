import { describe, expect, test } from "vitest";
import type { Message } from "../../src/bus/message.ts";
import { OutgoingQueue } from "../../src/transport/mqtt/outgoing-queue.ts";
import { type OutgoingGate, OutgoingSender } from "../../src/transport/mqtt/outgoing-sender.ts";
import { RetainedAnswers } from "../../src/transport/mqtt/retained-answers.ts";
import { WriteBatch } from "../../src/transport/write-batch.ts";
import { draft } from "../support/bus-kit.ts";

const KEEPER = {
  announcedBelow: 0,
  keepAt: () => true,
  release: () => undefined,
  sizeAt: () => 1,
  addHolder: () => () => undefined,
};

/** A store of one message that may not be readable, and a client that takes everything. */
function setUp() {
  const queue = new OutgoingQueue(
    { maxInflight: 4, maxQueuedMessages: 10, maxQueuedBytes: 1_000 },
    KEEPER,
    null,
  );
  const message: Message = { ...draft("a", { payload: "1", qos: 1 }), offset: 1, acceptedAt: 0 };
  const store = { isUnreadable: false, waits: 0, missing: [] as number[], message };
  const gate: OutgoingGate = {
    encoder: { addPublish: () => 10, addPubrel: () => 4 },
    messageAt: (offset) => (store.isUnreadable || offset !== 1 ? undefined : store.message),
    addQueued: () => 0,
    keep: () => undefined,
    mayDeliver: () => true,
    sent: () => undefined,
    awaitDurable: () => {
      store.waits += 1;
    },
    get isUnreadable() {
      return store.isUnreadable;
    },
    missing: (offset) => store.missing.push(offset),
    retainedAt: () => undefined,
    retainedUnderAll: () => [],
  };
  const sender = new OutgoingSender(queue, new RetainedAnswers(queue));
  const send = () => sender.send(new WriteBatch(), gate, Number.POSITIVE_INFINITY, 1_000);
  const push = (offset: number) =>
    queue.push({ offset, bytes: 1, qos: 1, isRetained: false, subscriptionId: 0 });
  return { push, queue, send, sender, store };
}

describe("a queued message that cannot be read", () => {
  test("stays in the queue while the store cannot be read at all", () => {
    const { push, queue, send, sender, store } = setUp();
    push(1);
    store.isUnreadable = true;
    expect([send(), queue.length, store.waits, store.missing]).toEqual([0, 1, 1, []]);
    expect(sender.canSend).toBe(false);
    store.isUnreadable = false;
    sender.resume();
    expect([send(), queue.length, queue.waiting]).toEqual([10, 1, 0]);
  });

  test("is told and given up when the store can be read and has lost it", () => {
    const { push, queue, send, store } = setUp();
    push(2);
    send();
    expect([queue.length, store.waits, store.missing]).toEqual([0, 0, [2]]);
  });
});
