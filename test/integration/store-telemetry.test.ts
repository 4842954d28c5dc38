import { constants } from "node:os";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { type LogFields, SILENT_LOGGER } from "../../src/telemetry/logger.ts";
import { type DiskGateway, startOnDisk, storeDirectory } from "../support/disk-gateway.ts";
import { post, readiness, untilAccepted } from "../support/fault/disk-fault-kit.ts";
import { systemError } from "../support/faulty-environment.ts";
import { send } from "../support/http-client.ts";
import { readMetrics } from "../support/metrics.ts";
import { acknowledgement, publishPacket, TYPE, WireClient } from "../support/mqtt-wire.ts";

const FULL = systemError(constants.errno.ENOSPC, "No space left on device");

let gateway: DiskGateway;
let lines: string[];

beforeEach(async () => {
  lines = [];
  const keep = (message: string, fields: LogFields = {}) => {
    if (message.startsWith("store ")) lines.push(`${message} ${String(fields.kind ?? "")}`.trim());
  };
  const logger = { ...SILENT_LOGGER, error: keep, info: keep };
  gateway = await startOnDisk(await storeDirectory(), { logger });
});

const samples = () => readMetrics(gateway.urls.http);

async function readStatus(): Promise<Record<string, unknown>> {
  const port = Number(new URL(gateway.urls.http).port);
  return (await send(port, "GET", "/v1/status")).json();
}

const connected = (clientId: string) =>
  WireClient.connected(Number(new URL(gateway.urls.mqtt).port), { clientId, clean: false });

describe("a store on disk that works", () => {
  test("is shown by its commits, what it holds and how long it took to open", async () => {
    for (let i = 0; i < 5; i += 1) await post(gateway.urls, "t", "12345");
    const found = await samples();
    expect(found.sum("store_commit_messages_sum", {})).toBe(5);
    expect(found.sum("store_commit_seconds_count", {})).toBe(5);
    expect(found.sum("store_commit_seconds_sum", {})).toBeGreaterThan(0);
    expect(found.sum("store_written_bytes_total", {})).toBeGreaterThanOrEqual(25);
    expect(found.sum("store_log_messages", {})).toBe(5);
    expect(found.sum("store_log_bytes", {})).toBe(found.sum("store_written_bytes_total", {}));
    expect(found.sum("store_file_bytes", {})).toBeGreaterThan(0);
    expect(found.sum("store_pending_bytes", {})).toBe(0);
    expect(found.sum("store_recovery_seconds", {})).toBeGreaterThan(0);
    const age = found.sum("store_oldest_message_seconds", {});
    expect(age).toBeGreaterThan(0);
    expect(age).toBeLessThan(30);
    expect(found.sum("store_errors_total", {})).toBe(0);
    expect(found.sum("store_fault", {})).toBe(0);
    expect((await readStatus()).store).toMatchObject({ kind: "lmdb", messages: 5, fault: null });
  });

  test("shows what waits for the disk, and no age while there is no message", async () => {
    expect((await samples()).names).not.toContain("tributary_store_oldest_message_seconds");
    gateway.disk.isHolding = true;
    const waiting = post(gateway.urls, "t", "x".repeat(1_000));
    await vi.waitFor(async () => {
      expect((await samples()).sum("store_pending_bytes", {})).toBeGreaterThanOrEqual(1_000);
    });
    gateway.disk.release();
    expect((await waiting).status).toBe(202);
  });
});

describe("a store on disk that cannot write", () => {
  test("is not ready, says what to do, and is ready again by itself; one line for each", async () => {
    await post(gateway.urls, "t", "before");
    gateway.disk.commitFault = FULL;
    for (let i = 0; i < 3; i += 1) {
      expect(await post(gateway.urls, "t", `${i}`)).toMatchObject({
        status: 503,
        code: "store_unavailable",
      });
    }
    const reasons = await readiness(gateway.urls, 503);
    expect(reasons).toMatch(/"name":"store".*cannot write.*free space.*No space left/);
    expect((await readStatus()).store).toMatchObject({
      fault: { kind: "full", text: expect.stringContaining("free space") },
    });
    // More than one attempt to write has failed by then.
    await vi.waitFor(
      async () => {
        const found = await samples();
        expect(found.sum("store_errors_total", { reason: "full" })).toBeGreaterThan(2);
        expect(found.sum("store_fault", { reason: "full" })).toBe(1);
        expect(found.sum("store_fault", {})).toBe(1);
      },
      { timeout: 10_000 },
    );
    expect(lines).toEqual(["store open", "store failed full"]);
    gateway.disk.commitFault = null;
    await readiness(gateway.urls, 200);
    await untilAccepted(gateway.urls, "t", "after");
    expect((await samples()).sum("store_fault", {})).toBe(0);
    expect((await readStatus()).store).toMatchObject({ fault: null });
    expect(lines).toEqual(["store open", "store failed full", "store works again"]);
  });

  test("withholds a delivery of QoS 2 until it heals, and then makes it", async () => {
    const reader = await connected("reader");
    await reader.subscribe(["t", 2]);
    gateway.disk.isHolding = true;
    const writer = await WireClient.connected(Number(new URL(gateway.urls.mqtt).port));
    writer.send(publishPacket("t", "x", { qos: 2, packetId: 1 }));
    await writer.settled();
    gateway.disk.commitFault = FULL;
    gateway.disk.release();
    await writer.closed();
    await readiness(gateway.urls, 503);
    await reader.settled();
    gateway.disk.commitFault = null;
    await readiness(gateway.urls, 200);
    const message = await reader.message();
    expect(message).toMatchObject({ payload: "x", qos: 2 });
    reader.send(acknowledgement(TYPE.pubrec, message.packetId));
    await reader.take(TYPE.pubrel);
    reader.end();
  });
});
