import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { QoS } from "../../src/bus/message.ts";
import { SessionWorld, type WorldLink } from "../support/session-world.ts";

/** A subscriber that does what the protocol asks of it, and remembers through every crash. */
class Reader {
  readonly delivered: string[] = [];
  readonly #unreleased = new Set<number>();
  link: WorldLink | null = null;

  /** Receives and answers up to `count` packets. */
  receive(count: number): void {
    const { link } = this;
    if (link === null) return;
    link.fill();
    for (const sent of link.wire.splice(0, count)) {
      if (sent.is === "publish" && sent.qos === 2) {
        if (!this.#unreleased.has(sent.id)) this.delivered.push(sent.payload);
        this.#unreleased.add(sent.id);
        link.pubrec(sent.id);
      } else if (sent.is === "publish") {
        this.delivered.push(sent.payload);
        link.session.acknowledge(sent.id, 1);
      } else if (sent.is === "pubrel") {
        this.#unreleased.delete(sent.id);
        link.session.acknowledge(sent.id, 2);
      }
    }
  }
}

/** Few packet ids, so that they are used again soon. */
const PACKET_IDS = 2;

/** A publisher of QoS 2 that repeats what is not completed when it reconnects. */
class Writer {
  link: WorldLink | null = null;
  published = 0;
  readonly #open = new Map<number, { payload: string; isReceived: boolean }>();

  get isDone(): boolean {
    return this.#open.size === 0;
  }

  publish(world: SessionWorld): void {
    if (this.link?.isOpen !== true) return;
    for (let id = 1; id <= PACKET_IDS; id += 1) {
      if (this.#open.has(id)) continue;
      this.published += 1;
      const payload = `${this.published}`;
      this.#open.set(id, { payload, isReceived: false });
      this.link.publishOnce(world, id, payload);
      return;
    }
  }

  connected(world: SessionWorld, link: WorldLink): void {
    this.link = link;
    for (const [id, { payload, isReceived }] of this.#open) {
      if (isReceived) link.pubrel(id);
      else link.publishOnce(world, id, payload);
    }
  }

  receive(count: number): void {
    for (const { is, id } of this.link?.wire.splice(0, count) ?? []) {
      const open = this.#open.get(id);
      if (open === undefined) continue;
      if (is === "pubrec" && !open.isReceived) {
        open.isReceived = true;
        this.link?.pubrel(id);
      } else if (is === "pubcomp") {
        this.#open.delete(id);
      }
    }
  }
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ do: "publish" as const, count: 1 }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("read" as const), count: fc.nat(3) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("write" as const), count: fc.nat(3) }) },
  { weight: 4, arbitrary: fc.constant({ do: "settle" as const, count: 0 }) },
  { weight: 1, arbitrary: fc.constant({ do: "fail" as const, count: 0 }) },
  { weight: 2, arbitrary: fc.constant({ do: "crash" as const, count: 0 }) },
  { weight: 1, arbitrary: fc.constant({ do: "stop" as const, count: 0 }) },
  { weight: 1, arbitrary: fc.constant({ do: "reader leaves" as const, count: 0 }) },
  { weight: 1, arbitrary: fc.constant({ do: "reader takes over" as const, count: 0 }) },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** 60 messages at most, two in flight, and at most four rounds for each handshake. */
const ROUNDS_TO_THE_END = 150;

/** Runs the steps, then lets everything come to its end; returns who took part. */
async function run(qos: QoS, steps: readonly Step[]) {
  const world = new SessionWorld({ window: 4, limits: { maxInflight: 2 } });
  const reader = new Reader();
  const writer = new Writer();
  const connect = (): void => {
    if (reader.link?.endReason !== null) reader.link = null;
    if (writer.link?.endReason !== null) writer.link = null;
    reader.link ??= world.connect("reader");
    if (writer.link === null) writer.connected(world, world.connect("writer"));
  };
  connect();
  reader.link?.subscribe("t", qos);
  await Promise.resolve();
  world.settle();
  for (const each of steps) {
    if (each.do === "publish") writer.publish(world);
    else if (each.do === "read") reader.receive(each.count);
    else if (each.do === "write") writer.receive(each.count);
    else if (each.do === "settle") world.settle();
    else if (each.do === "fail") world.store.fail();
    else if (each.do === "reader leaves") {
      reader.link?.close();
      reader.link = null;
    } else if (each.do === "reader takes over") {
      reader.link = world.connect("reader");
    } else {
      if (each.do === "crash") world.restart();
      else world.stopAndRestart();
      reader.link = null;
      writer.link = null;
    }
    await Promise.resolve();
    connect();
  }
  for (let i = 0; i < ROUNDS_TO_THE_END; i += 1) {
    connect();
    world.table.tick();
    world.settle();
    writer.receive(10);
    reader.receive(10);
    await Promise.resolve();
  }
  return { world, reader, writer };
}

describe("a session across crashes at every step", () => {
  test("QoS 2 is delivered exactly once and in order, from publisher to subscriber", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
        const { reader, writer, world } = await run(2, steps);
        expect(writer.isDone).toBe(true);
        const expected = Array.from({ length: writer.published }, (_, i) => `${i + 1}`);
        // What was refused may have been delivered before, and again when its publisher repeated it.
        const once = reader.delivered.filter(
          (payload, i) => !world.refused.has(payload) || reader.delivered.indexOf(payload) === i,
        );
        expect(once).toEqual(expected);
        world.settle();
        expect(world.store.keptCount).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test("QoS 1 is delivered at least once, the first time in order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
        const { reader, writer } = await run(1, steps);
        expect(writer.isDone).toBe(true);
        const expected = Array.from({ length: writer.published }, (_, i) => `${i + 1}`);
        expect([...new Set(reader.delivered)]).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});
