import { describe, expect, test } from "vitest";
import { ANONYMOUS } from "../../src/bus/ports.ts";
import { BusKit, draft, filter } from "../support/bus-kit.ts";
import { FaultyLog } from "../support/faulty-log.ts";

function setUp(options: ConstructorParameters<typeof FaultyLog>[0] = {}) {
  const log = new FaultyLog(options);
  const kit = new BusKit({ log });
  const answers: string[] = [];
  const publish = (payload: string): void =>
    kit.bus.accept(draft("a", { payload }), ANONYMOUS, {
      accepted: (offset) => answers.push(`accepted ${offset}`),
      refused: (error) => answers.push(`${error.code}`),
    });
  return { log, kit, answers, publish };
}

describe("a store that commits later", () => {
  test("acknowledges only what is durable, in the order of the appends", () => {
    const { log, answers, publish } = setUp();
    for (const payload of ["1", "2", "3"]) publish(payload);
    expect(answers).toEqual([]);
    log.settle(2);
    expect(answers).toEqual(["accepted 1", "accepted 2"]);
    log.settle();
    expect(answers).toEqual(["accepted 1", "accepted 2", "accepted 3"]);
  });

  test("does not hold up the fan-out", () => {
    const { kit, answers, publish } = setUp();
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "a");
    publish("1");
    expect(pull()).toEqual(["live a=1"]);
    expect(answers).toEqual([]);
  });

  test("is congested while too much is not durable, and says when it is relieved", () => {
    const { log, kit, publish } = setUp({ maxPendingBytes: 2 });
    const relieved: string[] = [];
    kit.bus.whenRelieved(() => relieved.push("at once"));
    for (const payload of ["1", "2", "3"]) publish(payload);
    expect(kit.bus.isCongested).toBe(true);
    kit.bus.whenRelieved(() => relieved.push("later"));
    expect(relieved).toEqual(["at once"]);
    log.settle(1);
    expect(kit.bus.isCongested).toBe(false);
    expect(relieved).toEqual(["at once", "later"]);
  });
});

describe("a hole that failed commits left", () => {
  function withHole() {
    const all = setUp();
    all.publish("1");
    all.log.settle();
    for (const payload of ["2", "3"]) all.publish(payload);
    all.log.failNext(2);
    all.log.settle();
    all.publish("4");
    all.log.settle();
    return all;
  }

  test("is refused to its publishers and no offset is used again", () => {
    const { answers } = withHole();
    expect(answers).toEqual(["accepted 1", "store_unavailable", "store_unavailable", "accepted 4"]);
  });

  test("is told to a reader that crosses it, in its place", () => {
    const { kit } = withHole();
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "#", { start: { from: "earliest" } });
    expect(pull()).toEqual([
      "recovered a=1",
      "gap from 1 earliest 4 store",
      "recovered a=4",
      "wentLive 4",
    ]);
  });

  test("is told to a reader whose cursor lies inside it", () => {
    const { kit } = withHole();
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "a", { start: { from: "cursor", epoch: kit.bus.epoch, offset: 2 } });
    expect(pull()).toEqual(["gap from 2 earliest 4 store", "recovered a=4", "wentLive 4"]);
  });

  test("is told to a poll", () => {
    const { kit } = withHole();
    const page = kit.bus.read(ANONYMOUS, [filter("a")], 1, { maxMessages: 10, maxBytes: 100 });
    expect(page).toMatchObject({ messages: [], gap: { reason: "store", earliest: 4 } });
    expect(page.isUpToDate).toBe(false);
  });

  test("does not take from a live reader what was queued for it before the commit failed", () => {
    const { log, kit, publish } = setUp();
    const { reader, pull } = kit.reader();
    kit.subscribe(reader, "a");
    publish("1");
    log.failNext(1);
    log.settle();
    expect(pull()).toEqual(["live a=1"]);
  });
});
