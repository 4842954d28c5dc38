import { expect, test } from "vitest";
import { describeTrace, traceLine, traceRecord } from "../../src/cli/trace-format.ts";

const STAMPS = {
  receivedAt: 1_700_000_000_000.5,
  acceptedAt: 1_700_000_000_000.625,
  encodedAt: 1_700_000_000_001.125,
};
const MESSAGE = {
  topic: "plant/1",
  payload: new Uint8Array(0),
  qos: 1,
  isRetained: false,
  cursor: null,
  contentType: null,
  ingress: "mqtt",
  trace: STAMPS,
} as const;
const ARRIVED_AT = 1_700_000_000_003.125;

test("the stages of a message add up to its total", () => {
  const traced = describeTrace(MESSAGE, "sse", ARRIVED_AT);
  expect(traced?.ms).toEqual({ ingress: 0.125, bus: 0.5, egress: 2, total: 2.625 });
});

test("a message without stamps has none", () => {
  const { trace: _, ...untraced } = MESSAGE;
  expect(describeTrace(untraced, "sse", ARRIVED_AT)).toBeNull();
});

test("a message is one line, for people and for programs", () => {
  const traced = describeTrace(MESSAGE, "sse", ARRIVED_AT);
  if (traced === null) throw new Error("it is traced");
  expect(traceLine(traced)).toBe(
    "22:13:20.000  ingress    0.125  bus    0.500  egress    2.000  total    2.625 ms  mqtt → sse  plant/1\n",
  );
  expect(traceRecord(traced)).toEqual({
    topic: "plant/1",
    ingress: "mqtt",
    egress: "sse",
    ...STAMPS,
    arrivedAt: ARRIVED_AT,
    ms: { ingress: 0.125, bus: 0.5, egress: 2, total: 2.625 },
  });
});
