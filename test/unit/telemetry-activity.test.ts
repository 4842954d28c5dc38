import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Activity } from "../../src/telemetry/activity.ts";
import { Telemetry } from "../../src/telemetry/telemetry.ts";

let telemetry: Telemetry;
let activity: Activity;
let now = 0;

beforeEach(() => {
  vi.useFakeTimers();
  now = 1_000_000;
  telemetry = new Telemetry({ clock: { now: () => now }, readNow: () => now });
  activity = new Activity(telemetry);
  activity.start();
});

afterEach(() => {
  activity.stop();
  vi.useRealTimers();
});

function deliver(count: number, ms: number): void {
  for (let i = 0; i < count; i += 1) {
    telemetry.accepted("mqtt", 0);
    telemetry.delivered("mqtt", "websocket", 0, now - ms, now - ms);
  }
  telemetry.handedOver();
}

test("rates are of the last ten seconds, not since the start", () => {
  deliver(1_000, 1);
  vi.advanceTimersByTime(60_000);
  for (let second = 0; second < 10; second += 1) {
    deliver(20, 1);
    vi.advanceTimersByTime(1_000);
  }
  const { rates } = activity.report();
  expect(rates.received.mqtt).toBeGreaterThanOrEqual(15);
  expect(rates.received.mqtt).toBeLessThanOrEqual(22);
  expect(rates.delivered).toEqual({ websocket: rates.received.mqtt });
  expect(rates.seconds).toBeLessThanOrEqual(10);
});

test("percentiles are of the last minute, so an old stall is forgotten", () => {
  deliver(100, 500);
  expect(activity.report().latencyMs).toMatchObject([
    { ingress: "mqtt", egress: "websocket", count: 100, max: 500 },
  ]);
  vi.advanceTimersByTime(65_000);
  expect(activity.report().latencyMs).toEqual([]);
  deliver(100, 2);
  const [pair] = activity.report().latencyMs;
  expect(pair?.count).toBe(100);
  expect(pair?.p50).toBeCloseTo(2, 1);
  expect(pair?.p99).toBeCloseTo(2, 1);
  expect(pair?.max).toBeLessThan(2.1);
});

test("drops are told by reason, over all transports", () => {
  telemetry.dropped("mqtt", "expired", 2);
  telemetry.dropped("tcp", "expired", 1);
  telemetry.dropped("tcp", "forbidden", 4);
  expect(activity.report().drops).toEqual({ expired: 3, forbidden: 4 });
});

test("a report before the first sample, and after the end, has no rates yet", () => {
  const fresh = new Activity(telemetry);
  expect(fresh.report().rates.seconds).toBe(0);
  activity.stop();
  activity.stop();
  expect(activity.report().latencyMs).toEqual([]);
});
