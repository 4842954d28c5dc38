import { expect, test } from "vitest";
import { exposeCounts, exposeSizes, exposeTimes } from "../../src/telemetry/exposition.ts";
import { Histogram } from "../../src/telemetry/histogram.ts";
import { BUCKET_SECONDS, METRICS } from "../../src/telemetry/metric-catalog.ts";

test("a counter is written with its help, its type and its labels", () => {
  const text = exposeCounts("messages_received_total", [
    { labels: { transport: "mqtt", qos: "1" }, count: 3 },
  ]);
  expect(text.split("\n")).toEqual([
    `# HELP tributary_messages_received_total ${METRICS.messages_received_total.help}`,
    "# TYPE tributary_messages_received_total counter",
    'tributary_messages_received_total{transport="mqtt",qos="1"} 3',
    "",
  ]);
});

test("a metric without series is left out", () => {
  expect(exposeCounts("messages_dropped_total", [])).toBe("");
  expect(exposeTimes("delivery_seconds", [])).toBe("");
});

test("quotes, backslashes and line ends in a label are escaped", () => {
  const text = exposeCounts("build_info", [{ labels: { version: 'a"b\\c\nd' }, count: 1 }]);
  expect(text).toContain('version="a\\"b\\\\c\\nd"');
});

test("a histogram is written in seconds, its buckets rise and the last one holds everything", () => {
  const histogram = new Histogram();
  for (const ms of [0.03, 0.4, 3, 40, 40_000]) histogram.record(ms * 1e6);
  const lines = exposeTimes("stage_seconds", [{ labels: { stage: "bus" }, histogram }]).split("\n");
  const counts = lines
    .filter((line) => line.includes("_bucket{"))
    .map((line) => Number(line.split(" ")[1]));
  expect(counts).toHaveLength(BUCKET_SECONDS.length + 1);
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
  expect(lines).toContain('tributary_stage_seconds_bucket{stage="bus",le="0.00005"} 1');
  expect(lines).toContain('tributary_stage_seconds_bucket{stage="bus",le="0.035"} 3');
  expect(lines).toContain('tributary_stage_seconds_bucket{stage="bus",le="0.045"} 4');
  expect(lines).toContain('tributary_stage_seconds_bucket{stage="bus",le="30"} 4');
  expect(lines).toContain('tributary_stage_seconds_bucket{stage="bus",le="+Inf"} 5');
  expect(lines).toContain('tributary_stage_seconds_count{stage="bus"} 5');
  const sum = lines.find((line) => line.includes("_sum"))?.split(" ")[1];
  expect(Number(sum)).toBeCloseTo(40.04343, 6);
});

test("a histogram of counts is written as they are, in buckets of counts", () => {
  const histogram = new Histogram();
  for (const size of [1, 1, 2, 64, 700]) histogram.record(size);
  const lines = exposeSizes("store_commit_messages", [{ labels: {}, histogram }]).split("\n");
  expect(lines).toContain('tributary_store_commit_messages_bucket{le="1"} 2');
  expect(lines).toContain('tributary_store_commit_messages_bucket{le="2"} 3');
  expect(lines).toContain('tributary_store_commit_messages_bucket{le="100"} 4');
  expect(lines).toContain('tributary_store_commit_messages_bucket{le="1000"} 5');
  expect(lines).toContain("tributary_store_commit_messages_sum 768");
  expect(lines).toContain("tributary_store_commit_messages_count 5");
});

test("bucket bounds expose stalls of 2.5 ms and delayed acknowledgements of 40 and 200 ms", () => {
  expect(BUCKET_SECONDS).toEqual([...BUCKET_SECONDS].sort((a, b) => a - b));
  expect(BUCKET_SECONDS[0]).toBe(0.00005);
  expect(BUCKET_SECONDS.at(-1)).toBe(30);
  expect(BUCKET_SECONDS).toEqual(expect.arrayContaining([0.0025, 0.035, 0.045]));
});

test("labels are of those that take few values", () => {
  const allowed = new Set([
    ...["transport", "ingress", "egress", "qos", "reason", "code", "stage", "engine", "policy"],
    ...["direction", "result", "outcome", "version", "node"],
  ]);
  const labels = Object.values(METRICS).flatMap((metric): readonly string[] => metric.labels);
  expect(labels.filter((label) => !allowed.has(label))).toEqual([]);
});
