import { once } from "node:events";
import { cp, readFile, writeFile } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DiskBench, type Posted, post } from "../support/fault/disk-fault-kit.ts";
import { readLogAndGaps, startCursor } from "../support/fault/log-reading.ts";
import { canMount, onReadOnlyMount, underLimit } from "../support/fault/namespace.ts";
import type { GatewayProcess } from "../support/gateway-process.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { requireTool } from "../support/tools.ts";

const FAKETIME_LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

let bench: DiskBench;

beforeEach(() => {
  bench = new DiskBench();
});

afterEach(() => bench.close());

async function publish(gateway: GatewayProcess, from: number, count: number): Promise<Posted[]> {
  const posted: Posted[] = [];
  for (let number = from; number < from + count; number += 1) {
    const payload = `disk#${number}#${"x".repeat(number % 7 === 0 ? 6_000 : 100)}`;
    const { status, offset } = await post(gateway.urls, `disk/${number % 5}`, payload);
    expect(status).toBe(202);
    posted.push({ offset: offset ?? 0, payload });
  }
  return posted;
}

async function stopInOrder(gateway: GatewayProcess): Promise<void> {
  gateway.signal("SIGTERM");
  expect(await gateway.exit()).toBe(0);
}

describe("a directory that cannot be written", () => {
  test.skipIf(!canMount())(
    "is refused at the start, with the reason (mounting takes a namespace of its own)",
    async () => {
      const dataDir = await bench.folder();
      await stopInOrder(await bench.start(dataDir));
      const gateway = bench.spawn(dataDir, { wrap: onReadOnlyMount(dataDir) });
      expect(await gateway.exit()).not.toBe(0);
      await gateway.closed;
      expect(gateway.lines.join("\n")).toMatch(/cannot be written|read-only/i);
    },
  );
});

describe("a directory that a gateway uses", () => {
  test("is refused to a second one, with the reason", async () => {
    const dataDir = await bench.folder();
    await bench.start(dataDir);
    const second = bench.spawn(dataDir);
    expect(await second.exit()).not.toBe(0);
    await second.closed;
    expect(second.lines.join("\n")).toContain(dataDir);
  });
});

describe("a process out of descriptors", () => {
  test("acknowledges on the connections it has, truly, and takes new ones later", async () => {
    const dataDir = await bench.folder();
    const gateway = await bench.start(dataDir, { wrap: underLimit("n", 64) });
    const posted = await publish(gateway, 0, 20);
    const sockets = Array.from({ length: 80 }, () =>
      net.connect(gateway.port("mqtt"), "127.0.0.1"),
    );
    const settled = sockets.map((socket) => {
      socket.on("error", () => socket.destroy());
      return Promise.race([once(socket, "connect"), once(socket, "close")]);
    });
    await Promise.all(settled);
    // The connection of the messages before is kept alive, and is still answered.
    posted.push(...(await publish(gateway, 20, 20)));
    for (const socket of sockets) socket.destroy();
    await stopInOrder(gateway);
    const { entries } = await readLogAndGaps((await bench.start(dataDir)).urls, "disk/#");
    expect(entries.map(({ payload }) => payload)).toEqual(posted.map(({ payload }) => payload));
  }, 60_000);
});

describe("a directory put back to an earlier state", () => {
  test("tells a gap to whoever had more, and goes on from what there is", async () => {
    const [dataDir, copy] = [await bench.folder(), join(await bench.folder(), "copy")];
    const first = await bench.start(dataDir);
    const early = await publish(first, 0, 10);
    const earlyCursor = await startCursor(first.urls);
    await stopInOrder(first);
    await cp(dataDir, copy, { recursive: true });
    const second = await bench.start(dataDir);
    await publish(second, 10, 10);
    const lateCursor = await startCursor(second.urls);
    await stopInOrder(second);
    const third = await bench.start(copy);
    const later = await publish(third, 20, 10);
    const fromEarly = await readLogAndGaps(third.urls, "disk/#", earlyCursor);
    expect(fromEarly.gaps).toEqual([]);
    expect(fromEarly.entries.map(({ payload }) => payload)).toEqual(
      later.map(({ payload }) => payload),
    );
    const { gaps, entries } = await readLogAndGaps(third.urls, "disk/#", lateCursor);
    expect(gaps.map(({ reason }) => reason)).toEqual(["epoch"]);
    const expected = [...early, ...later].filter(({ offset }) => {
      return offset >= (gaps[0]?.earliest ?? 0);
    });
    expect(entries.map(({ payload }) => payload)).toEqual(expected.map(({ payload }) => payload));
    expect(entries.map(({ payload }) => payload)).toEqual(
      expect.arrayContaining(later.map(({ payload }) => payload)),
    );
  }, 60_000);

  test("knows nothing of a cursor of another directory, and says so", async () => {
    const other = await bench.start(await bench.folder());
    await publish(other, 0, 3);
    const foreign = await startCursor(other.urls);
    await stopInOrder(other);
    const gateway = await bench.start(await bench.folder());
    const posted = await publish(gateway, 50, 5);
    const { gaps, entries } = await readLogAndGaps(gateway.urls, "disk/#", foreign);
    expect(gaps.map(({ reason }) => reason)).toEqual(["epoch"]);
    expect(entries.map(({ payload }) => payload)).toEqual(posted.map(({ payload }) => payload));
  });
});

describe("bytes of the file that change at rest", () => {
  /** Places that are damaged, one after the other; more by the environment. */
  const DAMAGES = Number(process.env.TEST_FAULT_DAMAGES ?? 6);

  test(
    "stop the start, or cost only what a gap names: never a wrong payload",
    async () => {
      const dataDir = await bench.folder();
      const first = await bench.start(dataDir);
      const posted = await publish(first, 0, 120);
      const { entries: intact } = await readLogAndGaps(first.urls, "disk/#");
      expect(intact.length).toBe(posted.length);
      await stopInOrder(first);
      const bytes = await readFile(join(dataDir, "data.mdb"));
      for (let seed = 0; seed < DAMAGES; seed += 1) {
        const damaged = Buffer.from(bytes);
        const random = new SeededRandom(seed);
        const at = 8_192 + random.below(bytes.length - 8_192 - 64);
        for (let index = 0; index < 64; index += 1) {
          damaged[at + index] = (damaged[at + index] ?? 0) ^ (1 + random.below(255));
        }
        await writeFile(join(dataDir, "data.mdb"), damaged);
        const about = `64 bytes changed at ${at}`;
        expect(await wrongWith(dataDir, intact), about).toEqual([]);
      }
    },
    60_000 + DAMAGES * 5_000,
  );

  /** What a gateway started on it says that is not true, or withholds without a word. */
  async function wrongWith(
    dataDir: string,
    intact: readonly { offset: number; topic: string; payload: string }[],
  ): Promise<string[]> {
    const gateway = bench.spawn(dataDir);
    const read = await gateway
      .awaitReady()
      .then(() => readLogAndGaps(gateway.urls, "disk/#"))
      .catch(() => null);
    if (read === null) {
      const ending = await gateway.exit();
      // lmdb's own checks of its pages end the process: nothing is served, so nothing wrong is.
      return typeof ending === "number" || ending === "SIGABRT" ? [] : [`died of ${ending}`];
    }
    const { entries, gaps } = read;
    const byOffset = new Map(entries.map((entry) => [entry.offset, entry]));
    const wrong = intact.flatMap((entry) => {
      const found = byOffset.get(entry.offset);
      const isTold = gaps.some(({ from, earliest }) => {
        return entry.offset > from && entry.offset < earliest;
      });
      if (found === undefined) return isTold ? [] : [`${entry.offset} is missing`];
      const isSame = found.payload === entry.payload && found.topic === entry.topic;
      return isSame ? [] : [`${entry.offset} is another message`];
    });
    await gateway.stop();
    return wrong;
  }
});

describe.skipIf(requireTool("faketime"))("a clock that is set", () => {
  /** Seconds beside the real time, one after the other: back, ten days ahead, back again. */
  const STEPS = ["-3600", "+864000", "-7200"];

  test("back and far ahead neither loses nor reorders what is acknowledged", async () => {
    const dataDir = await bench.folder();
    const clock = join(await bench.folder(), "clock");
    const env = {
      LD_PRELOAD: FAKETIME_LIBRARY,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
    const start = async () => {
      const gateway = bench.spawn(dataDir, { env }, ["store.maxAgeMs=31536000000"]);
      await gateway.awaitReady();
      return gateway;
    };
    await writeFile(clock, "+0\n");
    let gateway = await start();
    const posted: Posted[] = [];
    for (const step of STEPS) {
      // Set under a gateway that runs, and found by the next one when it starts.
      await writeFile(clock, `${step}\n`);
      posted.push(...(await publish(gateway, posted.length, 20)));
      await gateway.stop();
      gateway = await start();
      posted.push(...(await publish(gateway, posted.length, 20)));
    }
    const { entries, gaps } = await readLogAndGaps(gateway.urls, "disk/#");
    expect(gaps).toEqual([]);
    expect(entries.map(({ payload }) => payload)).toEqual(posted.map(({ payload }) => payload));
  }, 60_000);
});
