import { expect, test } from "vitest";
import { Telemetry } from "../../src/telemetry/telemetry.ts";

/** A turn of the event loop that began at `turn`, and a moment that the test moves on. */
function build() {
  const time = { turn: 1_000, now: 1_000 };
  const telemetry = new Telemetry({ clock: { now: () => time.turn }, readNow: () => time.now });
  return { time, telemetry };
}

function pairs(telemetry: Telemetry) {
  return telemetry.deliveries.pairSeries().map(({ labels, histogram }) => ({
    ...labels,
    count: histogram.count,
    ms: histogram.sum / 1e6,
  }));
}

function stages(telemetry: Telemetry): Record<string, number> {
  const series = telemetry.deliveries.stageSeries();
  return Object.fromEntries(
    series.map(({ labels, histogram }) => [labels.stage ?? "", histogram.sum / 1e6]),
  );
}

test("a delivery is timed from its bytes to the end of the write, whatever is in between", () => {
  const { time, telemetry } = build();
  telemetry.delivered("mqtt", "sse", 1, 990, 992);
  time.now = 1_003;
  telemetry.handedOver();
  expect(pairs(telemetry)).toEqual([{ ingress: "mqtt", egress: "sse", count: 1, ms: 13 }]);
});

test("the stages of a delivery add up to its time", () => {
  const { time, telemetry } = build();
  telemetry.delivered("mqtt", "sse", 1, 990, 992);
  time.now = 1_003;
  telemetry.handedOver();
  expect(stages(telemetry)).toEqual({ ingress: 2, bus: 8, egress: 3 });
});

test("a connection's turn begins when the write of the one before it has ended", () => {
  const { time, telemetry } = build();
  telemetry.delivered("mqtt", "sse", 0, 1_000, 1_000);
  time.now = 1_004;
  telemetry.handedOver();
  telemetry.delivered("mqtt", "sse", 0, 1_000, 1_000);
  time.now = 1_005;
  telemetry.handedOver();
  expect(stages(telemetry)).toEqual({ ingress: 0, bus: 4, egress: 5 });
});

test("messages of one write are counted by pair and QoS, however they are mixed", () => {
  const { telemetry } = build();
  for (const [ingress, qos] of [
    ["mqtt", 0],
    ["mqtt", 0],
    ["http", 1],
    ["mqtt", 0],
    ["mqtt", 1],
  ] as const) {
    telemetry.delivered(ingress, "tcp", qos, 999, 999);
  }
  telemetry.handedOver();
  expect(telemetry.counters.deliveredSeries()).toEqual([
    { labels: { ingress: "mqtt", egress: "tcp", qos: "0" }, count: 3 },
    { labels: { ingress: "mqtt", egress: "tcp", qos: "1" }, count: 1 },
    { labels: { ingress: "http", egress: "tcp", qos: "1" }, count: 1 },
  ]);
  expect(pairs(telemetry)).toMatchObject([{ count: 4 }, { count: 1 }]);
});

test("a retained message is counted and not timed", () => {
  const { telemetry } = build();
  telemetry.deliveredLate("mqtt", "tcp", 1);
  telemetry.handedOver();
  expect(telemetry.counters.deliveredSeries()).toMatchObject([{ count: 1 }]);
  expect(pairs(telemetry)).toEqual([]);
});

test("what waits in the process is counted when the kernel has it, and not before", () => {
  const { time, telemetry } = build();
  telemetry.delivered("mqtt", "sse", 0, 990, 990);
  telemetry.acknowledged("mqtt", 990, 2);
  const write = telemetry.handOverLater();
  telemetry.handedOver();
  expect(telemetry.counters.deliveredSeries()).toEqual([]);
  time.now = 1_090;
  write?.settle();
  expect(pairs(telemetry)).toMatchObject([{ count: 1, ms: 100 }]);
  expect(telemetry.deliveries.acknowledgementSeries()[0]?.histogram.count).toBe(2);
});

test("a write that never happens leaves nothing to the next one", () => {
  const { telemetry } = build();
  telemetry.delivered("mqtt", "sse", 0, 990, 990);
  telemetry.acknowledged("mqtt", 990, 1);
  telemetry.discarded();
  telemetry.handedOver();
  expect(telemetry.counters.deliveredSeries()).toEqual([]);
  expect(telemetry.deliveries.acknowledgementSeries()).toEqual([]);
  expect(telemetry.handOverLater()).toBeNull();
});

test("a run ends with its write, although the next one has the same times", () => {
  const { telemetry } = build();
  telemetry.delivered("mqtt", "sse", 0, 990, 990);
  telemetry.handedOver();
  telemetry.delivered("mqtt", "sse", 0, 990, 990);
  telemetry.handedOver();
  expect(telemetry.counters.deliveredSeries()).toMatchObject([{ count: 2 }]);
});

test("holds of polls are kept apart by their outcome", () => {
  const { telemetry } = build();
  telemetry.held("messages", 20);
  telemetry.held("empty", 25_000);
  telemetry.held("messages", 30);
  const series = telemetry.holdSeries().map(({ labels, histogram }) => ({
    ...labels,
    count: histogram.count,
    ms: histogram.sum / 1e6,
  }));
  expect(series).toEqual([
    { outcome: "messages", count: 2, ms: 50 },
    { outcome: "empty", count: 1, ms: 25_000 },
  ]);
});

test("messages received are counted by transport and QoS, however they are mixed and read in between", () => {
  const { telemetry } = build();
  for (const [transport, qos] of [
    ["mqtt", 0],
    ["mqtt", 0],
    ["mqtt", 1],
    ["http", 1],
  ] as const) {
    telemetry.accepted(transport, qos);
  }
  expect(telemetry.counters.receivedSeries()).toHaveLength(3);
  telemetry.accepted("mqtt", 0);
  expect(telemetry.counters.receivedSeries()).toEqual([
    { labels: { transport: "mqtt", qos: "0" }, count: 3 },
    { labels: { transport: "mqtt", qos: "1" }, count: 1 },
    { labels: { transport: "http", qos: "1" }, count: 1 },
  ]);
});
