import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  DiskBench,
  fillUntilRefused,
  type Posted,
  post,
  readiness,
  sendQos0,
  untilAccepted,
} from "../support/fault/disk-fault-kit.ts";
import { readLogAndGaps } from "../support/fault/log-reading.ts";
import {
  canMount,
  liftFileLimit,
  onSmallDisk,
  resizeDisk,
  underLimit,
} from "../support/fault/namespace.ts";
import type { GatewayProcess } from "../support/gateway-process.ts";

const TOPIC = "disk/full";
const MEBIBYTE = 1_048_576;

let bench: DiskBench;

beforeEach(() => {
  bench = new DiskBench();
});

afterEach(() => bench.close());

/** What is not there, neither as a message nor in a gap that was told. */
async function missing(gateway: GatewayProcess, posted: readonly Posted[]): Promise<number[]> {
  const { entries, gaps } = await readLogAndGaps(gateway.urls, "disk/#");
  const kept = new Map(entries.map(({ offset, payload }) => [offset, payload]));
  const lost = posted.filter(({ offset, payload }) => kept.get(offset) !== payload);
  // A gap over what was acknowledged is a loss that was told: here nothing may be lost at all.
  expect(gaps.every(({ reason }) => reason === "store")).toBe(true);
  return lost.map(({ offset }) => offset);
}

/** The disk fills, stays full, and gets room again. */
async function expectHonesty(
  gateway: GatewayProcess,
  reason: RegExp,
  makeRoom: () => void,
): Promise<Posted[]> {
  const posted = await fillUntilRefused(gateway.urls, TOPIC);
  expect(posted.length).toBeGreaterThan(10);
  expect(await readiness(gateway.urls, 503)).toMatch(reason);
  expect(await post(gateway.urls, TOPIC, "x".repeat(16_000))).toMatchObject({
    status: 503,
    code: "store_unavailable",
  });
  expect(await sendQos0(gateway, "disk/qos0")).toBe("qos 0 flows on");
  makeRoom();
  const offset = await untilAccepted(gateway.urls, TOPIC, "room again");
  await readiness(gateway.urls, 200);
  return [...posted, { offset, payload: "room again" }];
}

describe("a gateway whose file may not grow any more", () => {
  test("refuses, says why, carries QoS 0, goes on with room, and has lost nothing", async () => {
    const dataDir = await bench.folder();
    const gateway = await bench.start(dataDir, { wrap: underLimit("f", 4_096) });
    // A write that the limit cuts short is an I/O error to lmdb.
    const posted = await expectHonesty(gateway, /the disk is full|disk reports an error/, () => {
      liftFileLimit(gateway.pid);
    });
    expect(await missing(gateway, posted)).toEqual([]);
    await gateway.stop();
    const restarted = await bench.start(dataDir);
    expect(await missing(restarted, posted)).toEqual([]);
  }, 60_000);
});

describe.skipIf(!canMount())("a gateway whose disk is full", () => {
  test("refuses, says why, carries QoS 0, goes on with room, and has lost nothing", async () => {
    const folder = await bench.folder();
    const wrap = onSmallDisk(folder, 8 * MEBIBYTE);
    const gateway = await bench.start(folder, { wrap });
    const posted = await expectHonesty(gateway, /the disk is full/, () => {
      resizeDisk(gateway.pid, folder, 64 * MEBIBYTE);
    });
    expect(await missing(gateway, posted)).toEqual([]);
  }, 60_000);
});
