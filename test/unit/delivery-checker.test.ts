import { describe, expect, test } from "vitest";
import { findViolations } from "../support/fault/delivery-checker.ts";
import type {
  Delivery,
  History,
  PublisherRecord,
  ReaderEvent,
  ReaderRecord,
  ToldGap,
} from "../support/fault/history.ts";

const TOPIC = "fault/a";
const CONNECTED: ReaderEvent = { is: "connected", sessionPresent: true };

function publisher(
  name: string,
  qos: 1 | 2,
  sent: readonly number[],
  acknowledged: Readonly<Record<number, number | null>>,
): PublisherRecord {
  return {
    name,
    qos,
    promise: qos === 2 ? "once" : "at-least-once",
    attempts: sent.map((number) => ({ topic: TOPIC, payload: `${name}#${number}` })),
    acknowledgements: Object.entries(acknowledged).map(([number, offset]) => {
      return { payload: `${name}#${number}`, offset };
    }),
  };
}

function got(payload: string, offset: number | null, topic = TOPIC): Delivery {
  return { is: "message", topic, payload, offset, acceptedAt: offset };
}

function reader(kind: "cursor" | "session" | "group", events: ReaderEvent[]): ReaderRecord {
  return { name: kind, kind, qos: 2, events };
}

function toldGap(from: number, earliest: number, reason = "epoch"): ToldGap {
  return { is: "gap", from, earliest, reason };
}

/**
 * Publisher `p` (QoS 1) sends 1, 2 and, after a crash that keeps 2 unanswered, 2 and 3; `q` (QoS 2)
 * sends 1. A reader saw message 9 of `q`, which the crash took.
 */
function honest(): History {
  const log = ["p#1", "q#1", "p#2", "p#2", "p#3"].map((payload, index) => {
    return { offset: index + 1, topic: TOPIC, payload, acceptedAt: index + 1 };
  });
  const all = log.map(({ payload, offset }) => got(payload, offset));
  const first = all.slice(0, 3);
  const rest = all.slice(3);
  const plain = (events: readonly Delivery[]) => events.map((each) => ({ ...each, offset: null }));
  return {
    publishers: [
      publisher("p", 1, [1, 2, 2, 3], { 1: 1, 2: 4, 3: 5 }),
      publisher("q", 2, [1, 9], { 1: null }),
    ],
    readers: [
      reader("cursor", [CONNECTED, ...first, got("q#9", 4), CONNECTED, toldGap(4, 4), ...rest]),
      reader("session", [CONNECTED, ...plain(first), CONNECTED, ...plain(all.slice(2))]),
      reader("group", [CONNECTED, ...plain([...rest, ...first])]),
    ],
    log,
    logGaps: [],
    retained: new Map([[TOPIC, "p#3"]]),
    hadCrash: true,
  };
}

/** What the checker says when one thing in an honest history is changed. */
function kindsAfter(change: (history: History) => Partial<History>): string[] {
  const history = honest();
  const violations = findViolations({ ...history, ...change(history) });
  return [...new Set(violations.map(({ kind }) => kind))].sort();
}

function withReader(
  kind: ReaderRecord["kind"],
  change: (events: readonly ReaderEvent[]) => readonly ReaderEvent[],
): (history: History) => Partial<History> {
  return ({ readers }) => ({
    readers: readers.map((each) =>
      each.kind === kind ? { ...each, events: [...change(each.events)] } : each,
    ),
  });
}

function isDelivery(event: ReaderEvent, payload: string): boolean {
  return event.is === "message" && event.payload === payload;
}

describe("an honest run", () => {
  test("has nothing to report: retries, redeliveries and explained gaps are in order", () => {
    expect(findViolations(honest())).toEqual([]);
  });

  test("may have a retry take the very place of the message that the crash took", () => {
    const lost = { ...got("p#2", 4), acceptedAt: 3.5 };
    const change = withReader("cursor", (events) =>
      events.map((event) => (isDelivery(event, "q#9") ? lost : event)),
    );
    expect(kindsAfter(change)).toEqual([]);
  });

  test("may excuse a hole by a gap that names it", () => {
    const told = withReader("cursor", (events) => [
      ...events.slice(0, 2),
      toldGap(1, 3, "epoch"),
      ...events.slice(3),
    ]);
    // The gap itself is not explained by a crash, but what it covers is not reported.
    expect(kindsAfter(told)).toEqual(["needless_gap"]);
  });
});

describe("the checker reports", () => {
  test("an acknowledged message that is not in the log as lost", () => {
    const kinds = kindsAfter(({ log }) => ({
      log: log.filter(({ payload }) => payload !== "p#3"),
    }));
    expect(kinds).toContain("lost");
  });

  test("an acknowledged offset that holds another message as misplaced", () => {
    const kinds = kindsAfter(({ publishers }) => ({
      publishers: publishers.map((each) => ({
        ...each,
        acknowledgements: each.acknowledgements.map((answer) => {
          return answer.offset === 5 ? { ...answer, offset: 3 } : answer;
        }),
      })),
    }));
    expect(kinds).toEqual(["misplaced"]);
  });

  test.each(["cursor", "session", "group"] as const)(
    "a logged message that a %s reader never got as undelivered",
    (kind) => {
      const change = withReader(kind, (events) => events.filter((e) => !isDelivery(e, "p#3")));
      expect(kindsAfter(change)).toEqual(["undelivered"]);
    },
  );

  test("one offset that a reader by cursor skips although its payload came at another", () => {
    const change = withReader("cursor", (events) =>
      events.filter((event) => event.is !== "message" || event.offset !== 3),
    );
    expect(kindsAfter(change)).toEqual(["undelivered"]);
  });

  test("the same offset twice without a gap as duplicated", () => {
    const change = withReader("cursor", (events) => [...events, CONNECTED, got("p#3", 5)]);
    expect(kindsAfter(change)).toEqual(["duplicated"]);
  });

  test("a message of QoS 2 that a session gets twice as duplicated", () => {
    const change = withReader("session", (events) => [...events, CONNECTED, got("q#1", null)]);
    expect(kindsAfter(change)).toEqual(["duplicated"]);
  });

  test("two log entries under one key or QoS 2 message as duplicated", () => {
    const kinds = kindsAfter(({ log, readers }) => ({
      log: [...log, { offset: 6, topic: TOPIC, payload: "q#1", acceptedAt: 6 }],
      readers: readers.filter(({ kind }) => kind === "group"),
      retained: new Map(),
    }));
    expect(kinds).toContain("duplicated");
  });

  test("two messages of one publisher swapped on a connection as reordered", () => {
    const change = withReader("session", () => [
      CONNECTED,
      ...["p#2", "p#1", "q#1", "p#3"].map((payload) => got(payload, null)),
    ]);
    expect(kindsAfter(change)).toEqual(["reordered"]);
  });

  test("what is new coming before what was sent first, over connections, as reordered", () => {
    const change = withReader("session", () => [
      ...[CONNECTED, got("p#1", null), got("q#1", null), got("p#3", null)],
      ...[CONNECTED, got("p#2", null), got("p#3", null)],
    ]);
    expect(kindsAfter(change)).toEqual(["reordered"]);
  });

  test("a log whose entries stand in another order than they were sent as reordered", () => {
    const kinds = kindsAfter(({ log }) => ({
      log: log.map((entry) => {
        if (entry.offset === 1) return { ...entry, payload: "p#3" };
        return entry.offset === 5 ? { ...entry, payload: "p#1" } : entry;
      }),
    }));
    expect(kinds).toContain("reordered");
  });

  test("a payload nobody offered, or offered on another topic, as invented", () => {
    const foreign = withReader("session", (events) => [...events, got("r#1", null)]);
    expect(kindsAfter(foreign)).toEqual(["invented"]);
    const elsewhere = withReader("session", (events) => [...events, got("p#3", null, "fault/b")]);
    expect(kindsAfter(elsewhere)).toContain("invented");
  });

  test("a gap told to a reader whose last message is in the log as needless", () => {
    const change = withReader("cursor", (events) => [...events, CONNECTED, toldGap(5, 6)]);
    expect(kindsAfter(change)).toEqual(["needless_gap"]);
  });

  test("any gap after an orderly end as needless", () => {
    expect(kindsAfter(() => ({ hadCrash: false }))).toEqual(["needless_gap"]);
  });

  test("a gap in the log itself", () => {
    expect(kindsAfter(() => ({ logGaps: [toldGap(0, 2, "store")] }))).toEqual(["needless_gap"]);
  });

  test("a retained message that is not the last of its topic", () => {
    expect(kindsAfter(() => ({ retained: new Map([[TOPIC, "p#2"]]) }))).toEqual(["stale_retained"]);
  });

  test("a session that was not there any more", () => {
    const change = withReader("session", (events) => [
      ...events,
      { is: "connected", sessionPresent: false },
    ]);
    expect(kindsAfter(change)).toEqual(["session_forgotten"]);
  });
});
