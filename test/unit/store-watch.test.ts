import { beforeEach, expect, test } from "vitest";
import type { StoreFault } from "../../src/bus/store-port.ts";
import { Health } from "../../src/telemetry/health.ts";
import { type LogFields, SILENT_LOGGER } from "../../src/telemetry/logger.ts";
import { StoreCounters } from "../../src/telemetry/store-counters.ts";
import { StoreWatch } from "../../src/telemetry/store-watch.ts";

const FULL: StoreFault = { kind: "full", text: "the disk is full; free space: ENOSPC" };
const IO: StoreFault = { kind: "io", text: "the disk reports an error: EIO" };
const DAMAGED: StoreFault = { kind: "corrupted", text: "the files are damaged: page 7" };

let counters: StoreCounters;
let health: Health;
let lines: string[];
let fault: StoreFault | null;
let now: number;
let watch: StoreWatch;

beforeEach(() => {
  counters = new StoreCounters();
  health = new Health();
  lines = [];
  fault = null;
  now = 0;
  const keep = (message: string, fields?: LogFields) => {
    lines.push(fields === undefined ? message : `${message} ${String(fields.kind)}`);
  };
  const logger = { ...SILENT_LOGGER, error: keep, info: keep };
  watch = new StoreWatch({ counters, health, logger, fault: () => fault, now: () => now });
});

function writeFails(with_: StoreFault): void {
  fault = with_;
  watch.failed(with_);
}

function errorsOf(reason: string): number {
  return counters.errorSeries().find(({ labels }) => labels.reason === reason)?.count ?? -1;
}

test("a fault is logged once, however many commits fail, and once more when it is over", () => {
  for (let i = 0; i < 5; i += 1) writeFails(FULL);
  expect(health.reasons).toEqual([{ name: "store", text: `the store cannot write: ${FULL.text}` }]);
  fault = null;
  watch.healed();
  expect(lines).toEqual(["store failed full", "store works again"]);
  expect(health.isReady).toBe(true);
  expect(errorsOf("full")).toBe(5);
  expect(errorsOf("io")).toBe(0);
});

test("a fault that becomes another one is logged with each of its kinds, and shown as the newest", () => {
  for (const each of [FULL, IO, FULL, IO]) writeFails(each);
  expect(lines).toEqual(["store failed full", "store failed io"]);
  expect(health.reasons[0]?.text).toContain(IO.text);
});

test("the second fault is logged like the first", () => {
  writeFails(FULL);
  fault = null;
  watch.healed();
  writeFails(FULL);
  expect(lines).toEqual(["store failed full", "store works again", "store failed full"]);
});

test("what cannot be read keeps nobody from publishing, and is logged once a minute", () => {
  for (; now < 90_000; now += 1_000) watch.failed(DAMAGED);
  expect(health.isReady).toBe(true);
  expect(lines).toEqual(["store cannot be read corrupted", "store cannot be read corrupted"]);
  expect(errorsOf("corrupted")).toBe(90);
});

test("a commit without messages is in no figure: nobody waited for it", () => {
  watch.committed(0, 0, 12_345);
  watch.committed(3, 700, 0.002);
  expect(counters.commitTimes.count).toBe(1);
  expect(counters.commitTimes.max).toBe(2e6);
  expect(counters.commitMessages.max).toBe(3);
  expect(counters.writtenBytes).toBe(700);
});
