import { afterAll, beforeAll, expect, test } from "vitest";
import { closed } from "../support/closed.ts";
import { httpIngress } from "../support/contract/http.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { RAW_READERS } from "../support/raw-readers.ts";

const CLIENTS = 5_000;
const AT_ONCE = 50;
const MEBIBYTE = 1_048_576;

let gateway: GatewayProcess;

beforeAll(async () => {
  gateway = await GatewayProcess.start();
});

afterAll(() => gateway.stop());

/** Connects readers of every transport, subscribes them, and cuts them without a goodbye. */
async function comeAndGo(count: number): Promise<void> {
  for (let opened = 0; opened < count; opened += AT_ONCE) {
    const readers = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, place) => {
        const kind = RAW_READERS[place % RAW_READERS.length];
        if (kind === undefined) throw new Error("no such transport");
        return kind.open(gateway.urls, `soak/${opened + place}`);
      }),
    );
    for (const { socket } of readers) socket.resetAndDestroy();
    await Promise.all(readers.map(({ socket }) => closed(socket)));
  }
}

interface Status {
  readonly sessions: number;
  readonly subscriptions: number;
}

/** A publish is answered after what came before it, so the cut connections have been noticed. */
async function statusWhenQuiet(): Promise<Status> {
  const publisher = await httpIngress.open(gateway.urls);
  const deadline = performance.now() + 10_000;
  for (;;) {
    await publisher.publish("soak/marker", Buffer.from("x"));
    const response = await fetch(`${gateway.urls.http}/v1/status`);
    const status = (await response.json()) as Status;
    if (status.subscriptions === 0 || performance.now() > deadline) {
      await publisher.close();
      return status;
    }
  }
}

test("5,000 clients that come and go leave no session, no subscription and no memory behind", async () => {
  // The heap grows to its working size in the first rounds; what leaks grows in every round.
  await comeAndGo(CLIENTS * 2);
  await statusWhenQuiet();
  const before = gateway.residentBytes;
  await comeAndGo(CLIENTS);
  const status = await statusWhenQuiet();
  expect(status.subscriptions).toBe(0);
  // 24 MiB over 5,000 clients are 5 KiB each: less than a connection costs while it lives.
  expect(gateway.residentBytes - before).toBeLessThan(24 * MEBIBYTE);
});
