import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TributaryClient } from "../../src/client/client.ts";
import { BINARY_FORM, JSON_FORM } from "../../src/client/client-form.ts";
import type { ClientOptions } from "../../src/client/client-options.ts";
import { readEventStream } from "../../src/client/event-stream.ts";
import { readPolls } from "../../src/client/long-poll.ts";
import { nodeWebSocket, tcpSocket } from "../../src/client/node.ts";
import type { Delivery, HttpReadOptions } from "../../src/client/resumable.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";

const MESSAGES = 2_000;
const STEP = 100;
const EXPECTED = Array.from({ length: MESSAGES }, (_, index) => String(index));
const QUICK = { firstMs: 1, maxMs: 4 };

let gateway: RunningGateway;
let proxy: FaultProxy;

beforeEach(async () => {
  gateway = await startGateway();
});

afterEach(async () => {
  await proxy.stop();
  await gateway.stop();
});

type Address = { readonly host: string; readonly port: number };

const httpAddress = (): Address => {
  const { hostname, port } = new URL(gateway.urls.http);
  return { host: hostname, port: Number(port) };
};

const CLIENTS = [
  {
    name: "WebSocket JSON",
    target: httpAddress,
    connect: ({ host, port }: Address, options: ClientOptions) =>
      TributaryClient.connect(
        nodeWebSocket(`ws://${host}:${port}/ws`, JSON_FORM.subprotocol),
        JSON_FORM,
        options,
      ),
  },
  {
    name: "WebSocket binary",
    target: httpAddress,
    connect: ({ host, port }: Address, options: ClientOptions) =>
      TributaryClient.connect(
        nodeWebSocket(`ws://${host}:${port}/ws`, BINARY_FORM.subprotocol),
        BINARY_FORM,
        options,
      ),
  },
  {
    name: "raw TCP",
    target: () => gateway.urls.tcp,
    connect: ({ host, port }: Address, options: ClientOptions) =>
      TributaryClient.connect(tcpSocket(host, port), JSON_FORM, options),
  },
];

/** Publishes every expected message in order over a connection that is never cut. */
async function publishAll(topic: string, onStep: () => void): Promise<void> {
  const { host, port } = gateway.urls.tcp;
  const publisher = await TributaryClient.connect(tcpSocket(host, port), JSON_FORM);
  for (let start = 0; start < MESSAGES; start += STEP) {
    const step = EXPECTED.slice(start, start + STEP);
    await Promise.all(step.map((text) => publisher.publish({ topic, payload: Buffer.from(text) })));
    onStep();
  }
  await publisher.close();
}

describe.each(CLIENTS)("a $name client whose connection is cut", ({ target, connect }) => {
  beforeEach(() => {
    proxy = new FaultProxy(target());
  });

  test("sees every message once, in order, on each of two overlapping subscriptions", async () => {
    const client = await connect(await proxy.start(), { reconnect: QUICK });
    const seen: Record<"wide" | "narrow", string[]> = { wide: [], narrow: [] };
    const complete = (["wide", "narrow"] as const).map((name) => {
      return new Promise<void>((resolve, reject) => {
        const filter = name === "wide" ? "cut/#" : "cut/1";
        client.subscribe(filter, {
          onMessage: ({ payload }) => {
            seen[name].push(Buffer.from(payload).toString());
            if (seen[name].length === MESSAGES) resolve();
          },
          onGap: ({ reason }) => reject(new Error(`gap ${reason}`)),
          onRefused: reject,
        });
      });
    });
    await client.roundTrip();
    await publishAll("cut/1", () => proxy.cut());
    await Promise.all(complete);
    expect(proxy.cuts).toBeGreaterThan(3);
    // A second copy of the last message would come before the answer.
    await client.roundTrip();
    expect(seen.wide).toEqual(EXPECTED);
    expect(seen.narrow).toEqual(EXPECTED);
    await client.close();
  });

  test("a publish that was cut off is sent again, and with a key accepted once", async () => {
    const client = await connect(await proxy.start(), { reconnect: QUICK });
    const accepted: number[] = [];
    for (let start = 0; start < 500; start += 50) {
      const publishes = EXPECTED.slice(start, start + 50).map((text) =>
        client.publish({ topic: "kept/1", payload: Buffer.from(text), idempotencyKey: text }),
      );
      proxy.cut();
      for (const { offset } of await Promise.all(publishes)) accepted.push(offset);
    }
    expect(new Set(accepted).size).toBe(500);
    const { host, port } = gateway.urls.tcp;
    const reader = await TributaryClient.connect(tcpSocket(host, port), JSON_FORM);
    const seen: string[] = [];
    await reader.subscribe(
      "kept/1",
      { onMessage: ({ payload }) => void seen.push(Buffer.from(payload).toString()) },
      { start: "earliest" },
    ).ready;
    expect([...seen].sort()).toEqual(EXPECTED.slice(0, 500).sort());
    await Promise.all([client.close(), reader.close()]);
  });
});

const READERS: readonly {
  name: string;
  read: (options: HttpReadOptions) => AsyncGenerator<Delivery>;
}[] = [
  { name: "event stream", read: readEventStream },
  { name: "long-poll", read: readPolls },
];

describe.each(READERS)("a reader by $name whose connection is cut", ({ read }) => {
  beforeEach(() => {
    proxy = new FaultProxy(httpAddress());
  });

  test("sees every message once, in order", async () => {
    const { host, port } = await proxy.start();
    const abort = new AbortController();
    const deliveries = read({
      baseUrl: `http://${host}:${port}`,
      filters: ["cut/#"],
      signal: abort.signal,
      reconnect: QUICK,
    });
    const first = await deliveries.next();
    expect(first.value).toMatchObject({ is: "position" });
    const publishing = publishAll("cut/1", () => proxy.cut());
    const seen: string[] = [];
    for await (const delivery of deliveries) {
      if (delivery.is === "gap") throw new Error(`gap ${delivery.reason}`);
      if (delivery.is === "message") seen.push(Buffer.from(delivery.message.payload).toString());
      if (seen.length === MESSAGES) break;
    }
    abort.abort();
    await publishing;
    expect(seen).toEqual(EXPECTED);
  });
});
