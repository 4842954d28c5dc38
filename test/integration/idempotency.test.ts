import { cp } from "node:fs/promises";
import { constants } from "node:os";
import { beforeEach, describe, expect, test, vi } from "vitest";
import {
  type DiskGateway,
  type DiskGatewayOptions,
  startOnDisk,
  storeDirectory,
} from "../support/disk-gateway.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { readiness } from "../support/fault/disk-fault-kit.ts";
import { readLogAndGaps } from "../support/fault/log-reading.ts";
import { systemError } from "../support/faulty-environment.ts";
import { send } from "../support/http-client.ts";
import { KEYED_TRANSPORTS, type KeyedOutcome } from "../support/keyed-publish.ts";

const WINDOW_MS = 600_000;
const FULL = systemError(constants.errno.ENOSPC, "No space left on device");

let directory: string;
let gateway: DiskGateway;
let clock: FakeClock;

beforeEach(async () => {
  directory = await storeDirectory();
  clock = new FakeClock();
  gateway = await startOnDisk(directory, { parts: { clock } });
});

/** Ends the gateway in order, and starts the next one on the same directory. */
async function restart(options: DiskGatewayOptions = {}): Promise<void> {
  await gateway.stop();
  gateway = await startOnDisk(directory, { parts: { clock }, ...options });
}

async function payloads(from = gateway): Promise<string[]> {
  return (await readLogAndGaps(from.urls, "once/#")).entries.map(({ payload }) => payload);
}

describe.each(KEYED_TRANSPORTS)("an idempotency key by $name", (transport) => {
  const publish = (key: string, payload = key, to = gateway, user?: string) =>
    transport.publish(to.urls, {
      topic: `once/${transport.name}`,
      payload,
      key,
      ...(user === undefined ? {} : { user }),
    });

  function refused(code: string, status: number): KeyedOutcome {
    return transport.hasStatus ? { code, status } : { code };
  }

  test("publishes once, is answered with the first offset, and is refused for another body", async () => {
    const first = await publish("k");
    expect(first).toEqual({ offset: 1 });
    expect(await publish("other")).toEqual({ offset: 2 });
    expect(await publish("k")).toEqual(first);
    expect(await publish("k", "changed")).toEqual(refused("idempotency_mismatch", 422));
    expect(await payloads()).toEqual(["k", "other"]);
  });

  test("is in progress until the first commit is durable", async () => {
    gateway.disk.isHolding = true;
    const first = publish("k");
    await vi.waitFor(() => expect(gateway.gateway.bus.lastOffset).toBe(1));
    expect(await publish("k")).toEqual(refused("idempotency_in_progress", 409));
    expect(await publish("k", "changed")).toEqual(refused("idempotency_mismatch", 422));
    gateway.disk.release();
    expect(await first).toEqual({ offset: 1 });
    expect(await publish("k")).toEqual({ offset: 1 });
    expect(await payloads()).toEqual(["k"]);
  });

  test("holds over a restart, for the same body and against another", async () => {
    await publish("k");
    await publish("j");
    await restart();
    expect(await publish("k")).toEqual({ offset: 1 });
    expect(await publish("j", "changed")).toEqual(refused("idempotency_mismatch", 422));
    expect(await publish("new")).toEqual({ offset: 3 });
    expect(await payloads()).toEqual(["k", "j", "new"]);
  });

  test("outlives a crash exactly when its message does", async () => {
    await publish("durable");
    gateway.disk.isHolding = true;
    const lost = publish("lost");
    await vi.waitFor(() => expect(gateway.gateway.bus.lastOffset).toBe(2));
    const crashed = await storeDirectory();
    await cp(directory, crashed, { recursive: true });
    const next = await startOnDisk(crashed, { parts: { clock } });
    expect(await publish("durable", "durable", next)).toEqual({ offset: 1 });
    expect(await publish("lost", "lost", next)).toEqual({ offset: 2 });
    expect(await publish("lost", "lost", next)).toEqual({ offset: 2 });
    expect(await payloads(next)).toEqual(["durable", "lost"]);
    gateway.disk.release();
    await lost;
  });

  test("is forgotten with the window, also by a later process", async () => {
    await publish("a");
    clock.advance(WINDOW_MS - 1);
    await publish("b");
    await restart();
    expect(await publish("a")).toEqual({ offset: 1 });
    clock.advance(1);
    expect(await publish("a")).toEqual({ offset: 3 });
    await restart();
    clock.advance(WINDOW_MS - 2);
    expect(await publish("b")).toEqual({ offset: 2 });
    clock.advance(1);
    expect(await publish("b")).toEqual({ offset: 4 });
    expect(await payloads()).toEqual(["a", "b", "a", "b"]);
  });

  test("gives way to newer ones of its publisher, also after a restart, and to nobody else's", async () => {
    const limits = (maxKeysPerScope: number) => ({
      settings: { limits: { idempotency: { maxKeysPerScope } } },
    });
    await restart(limits(3));
    await publish("theirs", "theirs", gateway, "someone");
    for (const key of ["a", "b", "c", "d"]) await publish(key);
    await restart(limits(3));
    expect(await publish("b")).toEqual({ offset: 3 });
    expect(await publish("a")).toEqual({ offset: 6 });
    expect(await publish("theirs", "theirs", gateway, "someone")).toEqual({ offset: 1 });
    // Fewer are allowed from here on: those that are too many go with the next new one.
    await restart(limits(2));
    expect(await publish("e")).toEqual({ offset: 7 });
    expect(await publish("a")).toEqual({ offset: 6 });
    expect(await publish("d")).toEqual({ offset: 8 });
  });

  test("is free again when its message could not be written", async () => {
    gateway.disk.commitFault = FULL;
    expect(await publish("k")).toEqual(refused("store_unavailable", 503));
    gateway.disk.commitFault = null;
    await readiness(gateway.urls, 200);
    expect(await publish("k", "changed")).toEqual({ offset: 2 });
    await restart();
    expect(await publish("k", "changed")).toEqual({ offset: 2 });
    expect(await payloads()).toEqual(["changed"]);
  });

  test("is another one for each user", async () => {
    expect(await publish("k", "k", gateway, "ann")).toEqual({ offset: 1 });
    expect(await publish("k", "b", gateway, "ben")).toEqual({ offset: 2 });
    expect(await publish("k", "n")).toEqual({ offset: 3 });
    await restart();
    expect(await publish("k", "k", gateway, "ann")).toEqual({ offset: 1 });
    expect(await publish("k", "b", gateway, "ben")).toEqual({ offset: 2 });
  });
});

test("an idempotency key holds from one transport to the next", async () => {
  const message = { topic: "once/anyhow", payload: "x", key: "k", user: "ann" };
  for (const transport of KEYED_TRANSPORTS) {
    expect(await transport.publish(gateway.urls, message), transport.name).toEqual({ offset: 1 });
  }
  expect(await payloads()).toEqual(["x"]);
});

test("a bulk with one key in progress is refused whole", async () => {
  gateway.disk.isHolding = true;
  const [http] = KEYED_TRANSPORTS;
  const first = http?.publish(gateway.urls, { topic: "once/a", payload: "x", key: "k" });
  await vi.waitFor(() => expect(gateway.gateway.bus.lastOffset).toBe(1));
  const body = JSON.stringify([
    { topic: "once/b", payload: "y" },
    { topic: "once/a", payload: "x", idempotencyKey: "k" },
  ]);
  const headers = { "Content-Type": "application/json" };
  const port = Number(new URL(gateway.urls.http).port);
  const answer = await send(port, "POST", "/v1/publish", { headers, body });
  expect(answer.status).toBe(409);
  expect(answer.json()).toMatchObject({ errors: [{ index: 1 }] });
  expect(gateway.gateway.bus.lastOffset).toBe(1);
  gateway.disk.release();
  await first;
});
