import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type DirectionProfile,
  type NetworkProfile,
  NO_DELAY,
  UNSHAPED,
} from "../../src/compare/network/network-profile.ts";
import { NetworkProxy } from "../../src/compare/network/network-proxy.ts";
import { closedBy, connectTo, read, TcpServer } from "../support/tcp-pair.ts";

let server: TcpServer;
let proxies: NetworkProxy[];
let sockets: Socket[];

beforeEach(async () => {
  server = await TcpServer.start();
  proxies = [];
  sockets = [];
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await server.stop();
});

interface Link {
  readonly proxy: NetworkProxy;
  readonly client: Socket;
  readonly gateway: Socket;
}

async function link(profile: NetworkProfile, seed = 1): Promise<Link> {
  const target = { host: "127.0.0.1", port: server.port };
  const proxy = await NetworkProxy.start({ target, profile, seed });
  proxies.push(proxy);
  return { proxy, ...(await join(proxy)) };
}

async function join(proxy: NetworkProxy): Promise<{ client: Socket; gateway: Socket }> {
  const client = await connectTo(proxy.port);
  const gateway = await server.accept();
  sockets.push(client, gateway);
  return { client, gateway };
}

const both = (direction: DirectionProfile): NetworkProfile => ({
  up: direction,
  down: direction,
  nat: null,
});

/** How long a byte takes to the gateway. */
async function oneWayMs({ client, gateway }: Link): Promise<number> {
  const sentAt = performance.now();
  client.write("x");
  await read(gateway, 1);
  return performance.now() - sentAt;
}

/** What is sent at first, over and over, so that any loss or swap of bytes shows. */
const pattern = (bytes: number): Buffer => Buffer.alloc(bytes, Buffer.from("0123456789abcdefg"));

describe("order and pressure", () => {
  test("a megabyte each way comes whole and in order, however it is shaped", async () => {
    const { client, gateway } = await link(
      both({ ...NO_DELAY, latencyMs: 2, jitterMs: 3, loss: { share: 0.02, recoveryMs: 5 } }),
    );
    const sent = pattern(1_000_000);
    client.write(sent);
    gateway.write(sent);
    const [up, down] = await Promise.all([read(gateway, sent.length), read(client, sent.length)]);
    expect(up.equals(sent) && down.equals(sent)).toBe(true);
  });

  test("a sender whose peer does not read is made to wait, and nothing is lost", async () => {
    const { proxy, client, gateway } = await link(UNSHAPED);
    const other = await join(proxy);
    gateway.pause();
    const sent = pattern(32_000_000);
    client.write(sent);
    // Read by the proxy until it would no more: for 50 exchanges of another connection nothing.
    for (let still = 0, before = 0; still < 50; still += 1) {
      other.client.write("x");
      await read(other.gateway, 1);
      const passed = proxy.counts.bytesUp - other.client.bytesWritten;
      if (passed !== before) still = 0;
      before = passed;
    }
    // 64 KiB of its own, and what the kernel takes on the way to the gateway: 10 MB with its defaults.
    expect(proxy.counts.bytesUp).toBeLessThan(16_000_000);
    expect(sent.equals(await read(gateway, sent.length))).toBe(true);
  });

  test("the end of one direction leaves the other open", async () => {
    const { client, gateway } = await link(both({ ...NO_DELAY, latencyMs: 1 }));
    gateway.resume();
    client.end("last");
    await once(gateway, "end");
    // The gateway's side of this test server answers an end by its own, behind what it writes.
    await once(client, "close");
    expect(client.errored).toBeNull();
  });
});

describe("delay and bandwidth", () => {
  test("bytes pass at the stated rate to within 5 %", async () => {
    const bytesPerSecond = 500_000;
    const { client, gateway } = await link(both({ ...NO_DELAY, bytesPerSecond }));
    const sent = pattern(250_000);
    client.write(sent);
    let startedAt = 0;
    let first = 0;
    gateway.once("data", (chunk: Buffer) => {
      startedAt = performance.now();
      first = chunk.length;
    });
    await read(gateway, sent.length);
    const seconds = (performance.now() - startedAt) / 1_000;
    expect((sent.length - first) / seconds / bytesPerSecond).toBeGreaterThan(0.95);
    expect((sent.length - first) / seconds / bytesPerSecond).toBeLessThan(1.05);
  });

  test("jitter is a delay above the latency with the stated distribution", async () => {
    const steady = await link(both({ ...NO_DELAY, latencyMs: 2 }));
    const jittery = await link(both({ ...NO_DELAY, latencyMs: 2, jitterMs: 4 }), 11);
    const added: number[] = [];
    // In turns, so that a busy machine does the same to both.
    for (let count = 0; count < 150; count += 1) {
      const without = await oneWayMs(steady);
      added.push((await oneWayMs(jittery)) - without);
    }
    added.sort((one, two) => one - two);
    // An exponential's quartile and median, as far as 150 draws tell. A busy machine has a tail of its
    // own; the drawn one is in the test of the shaper.
    const [quartile = 0, median = 0] = [added[37], added[75]];
    expect(Math.abs(quartile - 4 * Math.log(4 / 3))).toBeLessThan(1.5);
    expect(Math.abs(median - 4 * Math.LN2)).toBeLessThan(1.5);
  });

  test("a connection costs its handshake before the first byte passes", async () => {
    const target = { host: "127.0.0.1", port: server.port };
    const profile = both({ ...NO_DELAY, latencyMs: 20 });
    const proxy = await NetworkProxy.start({ target, profile, seed: 1 });
    proxies.push(proxy);
    const startedAt = performance.now();
    const accepting = server.accept();
    const client = await connectTo(proxy.port);
    client.write("hello");
    const gateway = await accepting;
    sockets.push(client, gateway);
    await read(gateway, 5);
    // SYN, SYN and ACK, and the bytes with the last ACK: three ways of 20 ms.
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(59);
    expect(performance.now() - startedAt).toBeLessThan(120);
  });

  test("a stall holds what is sent meanwhile and gives it all afterwards", async () => {
    const { proxy, client, gateway } = await link(UNSHAPED);
    const startedAt = performance.now();
    proxy.stall(100, ["up"]);
    client.write("late");
    gateway.write("at once");
    await read(client, 7);
    const backAt = performance.now();
    await read(gateway, 4);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(99);
    expect(backAt - startedAt).toBeLessThan(99);
  });
});

describe("faults", () => {
  test("a reset reaches both ends as one", async () => {
    const { proxy, client, gateway } = await link(UNSHAPED);
    const closed = Promise.all([closedBy(client), closedBy(gateway)]);
    proxy.reset();
    expect(await closed).toEqual(["ECONNRESET", "ECONNRESET"]);
    expect(proxy.counts).toMatchObject({ connections: 0, reset: 1 });
  });

  test("a half-open link is silent both ways and hides even a goodbye", async () => {
    const { proxy, client, gateway } = await link(UNSHAPED);
    client.write("before");
    await read(gateway, 6);
    proxy.halfOpen(["up", "down"]);
    const heard: string[] = [];
    for (const socket of [client, gateway]) {
      for (const event of ["data", "end", "error", "close"]) {
        socket.on(event, () => heard.push(event));
      }
    }
    client.write("into the void");
    client.end();
    gateway.write("into the void");
    // The marker: later bytes on a later connection of the same proxy do pass.
    const later = await join(proxy);
    later.client.write("marker");
    await read(later.gateway, 6);
    gateway.end();
    later.gateway.write("marker");
    await read(later.client, 6);
    expect(heard).toEqual([]);
    expect(proxy.counts.silenced).toBe(1);
  });

  test("one direction can be silent alone", async () => {
    const { proxy, client, gateway } = await link(UNSHAPED);
    proxy.halfOpen(["up"]);
    let heard = 0;
    gateway.on("data", () => {
      heard += 1;
    });
    client.write("into the void");
    gateway.write("heard");
    expect((await read(client, 5)).toString()).toBe("heard");
    expect(heard).toBe(0);
  });

  test("a translator forgets a silent connection and drops what comes then", async () => {
    const { proxy, client, gateway } = await link({
      ...UNSHAPED,
      nat: { idleMs: 500, forgotten: "dropped" },
    });
    // Talking keeps it, for longer than its patience.
    for (let count = 0; count < 5; count += 1) {
      await passed(120);
      client.write("x");
      await read(gateway, 1);
    }
    await passed(650);
    let heard = 0;
    client.on("data", () => {
      heard += 1;
    });
    gateway.write("into the void");
    const later = await join(proxy);
    later.gateway.write("marker");
    await read(later.client, 6);
    expect(heard).toBe(0);
    expect(proxy.counts.forgotten).toBe(1);
  });

  test("a translator that answers resets the side that speaks, and the other hears nothing", async () => {
    const { client, gateway } = await link({
      ...UNSHAPED,
      nat: { idleMs: 50, forgotten: "reset" },
    });
    await passed(80);
    const closed = closedBy(client);
    client.write("x");
    expect(await closed).toBe("ECONNRESET");
    expect(gateway.destroyed).toBe(false);
  });

  test("a gateway that is not there is a reset, and one that came back elsewhere is found", async () => {
    const gone = await TcpServer.start();
    const target = { host: "127.0.0.1", port: gone.port };
    await gone.stop();
    const proxy = await NetworkProxy.start({ target, profile: UNSHAPED, seed: 1 });
    proxies.push(proxy);
    const refused = await connectTo(proxy.port);
    expect(await closedBy(refused)).toBe("ECONNRESET");
    proxy.retarget({ host: "127.0.0.1", port: server.port });
    const { client, gateway } = await join(proxy);
    client.write("x");
    await read(gateway, 1);
  });
});

/** Time itself is what a translator measures. */
function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
