import { afterAll, beforeAll, expect, test } from "vitest";
import { DRIVERS } from "../../src/compare/driver/drivers.ts";
import type { Targets } from "../../src/compare/driver/driver.ts";
import { NO_DELAY, type NetworkProfile } from "../../src/compare/network/network-profile.ts";
import { type RoutedNetwork, routeThrough } from "../../src/compare/network/routed-targets.ts";
import { monotonicNs } from "../../src/compare/pacer.ts";
import { DEFAULT_FACTORS } from "../../src/compare/plan-factors.ts";
import { GatewayProcess } from "../support/gateway-process.ts";

/** The built process of the network, as a run starts it. */
const MAIN = new URL("../../dist/compare/network/network-main.js", import.meta.url);

const EXCHANGES = 150;

let gateway: GatewayProcess;
let direct: Targets;

beforeAll(async () => {
  gateway = await GatewayProcess.start();
  const { http, mqtt, tcp } = gateway.urls;
  const websocket = http.replace(/^http/, "ws");
  direct = {
    httpUrl: http,
    websocketUrl: `${websocket}/ws`,
    mqttWebsocketUrl: `${websocket}/mqtt`,
    mqttUrl: mqtt,
    tcpUrl: `tcp://${tcp.host}:${tcp.port}`,
    tls: {},
  };
});

afterAll(() => gateway.stop());

/** A publisher by raw TCP and a reader of its own messages, both at `targets`. */
async function exchangeAt(targets: Targets, name: string) {
  const factors = DEFAULT_FACTORS;
  const context = { targets, factors, clientId: name, onFailure: () => undefined };
  let received: (atNs: number) => void = () => undefined;
  const start = { from: "now", wantsRetained: false } as const;
  const subscription = { filter: `delay/${name}`, start };
  const reader = await DRIVERS.readers.tcp(context, subscription, (_payload, atNs) =>
    received(atNs),
  );
  const publisher = await DRIVERS.publishers.tcp(context);
  return {
    /** From publishing to receiving, milliseconds. */
    once: async (): Promise<number> => {
      const arrival = new Promise<number>((resolve) => {
        received = resolve;
      });
      const sentNs = monotonicNs();
      await publisher.publish({ topic: `delay/${name}`, payload: Buffer.from("x") });
      return ((await arrival) - sentNs) / 1e6;
    },
    close: () => Promise.all([reader.close(), publisher.close()]),
  };
}

/** What others do to the machine only ever adds, and least to the fast ones: hence not the median. */
function lowerQuartile(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 4)] ?? Number.NaN;
}

test("a real gateway behind 20 ms reads 20 ms more, to half a millisecond", async () => {
  const down = { ...NO_DELAY, latencyMs: 20 };
  const profile: NetworkProfile = { up: NO_DELAY, down, nat: null };
  const routed: RoutedNetwork = await routeThrough(direct, { profile, seed: 1, main: MAIN });
  const plain = await exchangeAt(direct, "plain");
  const behind = await exchangeAt(routed.targets, "behind");
  try {
    const without: number[] = [];
    const within: number[] = [];
    // In turns, so that whatever else the machine does is done to both.
    for (let count = 0; count < EXCHANGES; count += 1) {
      without.push(await plain.once());
      within.push(await behind.once());
    }
    const added = lowerQuartile(within) - lowerQuartile(without);
    expect(added).toBeGreaterThan(19.5);
    expect(added).toBeLessThan(20.5);
    expect((await routed.network.observe()).proxies.some(({ bytesDown }) => bytesDown > 0)).toBe(
      true,
    );
  } finally {
    await Promise.all([plain.close(), behind.close()]);
    await routed.stop();
  }
});

test("the process of the network ends with the one that started it", async () => {
  const routed = await routeThrough(direct, { profile: "satellite", seed: 1, main: MAIN });
  await routed.stop();
  await routed.stop();
  await expect(routed.network.observe()).rejects.toThrow("has ended");
});
