import { cp } from "node:fs/promises";
import { constants } from "node:os";
import { beforeEach, describe, expect, test } from "vitest";
import { parseCursor } from "../../src/bus/cursor.ts";
import {
  ResumablePoll,
  type ResumableReader,
  ResumableStream,
  ResumableTcp,
  ResumableWebSocket,
  type Sighting,
} from "../support/contract/resumable.ts";
import {
  type DiskGateway,
  type DiskGatewayOptions,
  startOnDisk,
  storeDirectory,
} from "../support/disk-gateway.ts";
import { readiness } from "../support/fault/disk-fault-kit.ts";
import { readRetained } from "../support/fault/log-reading.ts";
import { systemError } from "../support/faulty-environment.ts";
import { send } from "../support/http-client.ts";
import { publishPacket, WireClient } from "../support/mqtt-wire.ts";

const READERS = [
  { name: "websocket", Reader: ResumableWebSocket, port: "http" },
  { name: "sse", Reader: ResumableStream, port: "http" },
  { name: "long-poll", Reader: ResumablePoll, port: "http" },
  { name: "tcp", Reader: ResumableTcp, port: "tcp" },
] as const;

const TOPIC = "recovery";
const FULL = systemError(constants.errno.ENOSPC, "No space left on device");

let directory: string;
let gateway: DiskGateway;

beforeEach(async () => {
  directory = await storeDirectory();
  gateway = await startOnDisk(directory);
});

/** Ends the gateway in order, and starts the next one on the same directory. */
async function restart(options: DiskGatewayOptions = {}): Promise<void> {
  await gateway.stop();
  gateway = await startOnDisk(directory, options);
}

/** Publishes with QoS 1 and waits for the acknowledgement: the message's cursor. */
async function publish(payload: string, to: DiskGateway = gateway): Promise<string> {
  const port = Number(new URL(to.urls.http).port);
  const answer = await send(port, "POST", `/v1/topics/${TOPIC}`, { body: payload });
  expect(answer.status).toBe(202);
  return String(answer.json().cursor);
}

/** The acknowledgement of the last one. */
async function publishAll(payloads: readonly string[], to: DiskGateway = gateway): Promise<string> {
  let cursor = "";
  for (const payload of payloads) cursor = await publish(payload, to);
  return cursor;
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
}

const offsetOf = (cursor: string) => parseCursor(cursor).offset;

function messages(payloads: readonly string[]): Sighting[] {
  return payloads.map((text) => ({ kind: "message", text }));
}

describe.each(READERS)("a $name reader that resumes on a directory that", ({ Reader, port }) => {
  /** Reads from a cursor until this payload has come. */
  async function read(cursor: string, until: string, from = gateway): Promise<ResumableReader> {
    const http = new URL(from.urls.http);
    const target =
      port === "http" ? { host: http.hostname, port: Number(http.port) } : from.urls.tcp;
    const reader = new Reader(target, TOPIC, cursor, ({ text }) => text === until);
    await reader.run();
    return reader;
  }

  test("was closed in order gets what it missed, and no gap, however many epochs ago", async () => {
    const cursors: string[] = [];
    for (let epoch = 0; epoch < 3; epoch += 1) {
      for (const each of numbers(3 * epoch + 1, 3 * epoch + 3)) cursors.push(await publish(each));
      await restart();
    }
    await publish("10");
    for (const [index, cursor] of cursors.entries()) {
      const { sightings } = await read(cursor, "10");
      expect(sightings).toEqual(messages(numbers(index + 2, 10)));
    }
  });

  test("lost its newest messages is told so, and goes on with what came after them", async () => {
    const durable = await publishAll(["1", "2"]);
    gateway.disk.isHolding = true;
    const tail = publish("3");
    // Delivered before it is durable, as a reader does not wait for the disk.
    const before = await read(durable, "3");
    const crashed = await storeDirectory();
    await cp(directory, crashed, { recursive: true });
    const after = await startOnDisk(crashed);
    await publishAll(["5", "6"], after);
    const { sightings, gaps } = await read(before.cursor, "6", after);
    expect(sightings).toEqual([{ kind: "gap", text: "epoch" }, ...messages(["5", "6"])]);
    // Nothing after "2" was durable; its place is the last that both epochs agree on.
    expect(gaps.map(({ earliest }) => offsetOf(earliest))).toEqual([2]);
    const fromDurable = await read(durable, "6", after);
    expect(fromDurable.sightings).toEqual(messages(["5", "6"]));
    gateway.disk.release();
    await tail;
  });

  test("is not that of its cursor is told so, and gets all there is", async () => {
    const foreign = await publishAll(["x", "y"]);
    const other = await startOnDisk(await storeDirectory());
    await publishAll(numbers(1, 5), other);
    const { sightings, gaps } = await read(foreign, "5", other);
    expect(sightings).toEqual([{ kind: "gap", text: "epoch" }, ...messages(numbers(1, 5))]);
    expect(gaps.map(({ earliest }) => offsetOf(earliest))).toEqual([0]);
  });

  test("was put back to an older state is told so, and what it knows of goes on without", async () => {
    const early = await publishAll(["1", "2"]);
    await gateway.stop();
    const copy = await storeDirectory();
    await cp(directory, copy, { recursive: true });
    gateway = await startOnDisk(directory);
    const late = await publishAll(["3", "4"]);
    await gateway.stop();
    const old = await startOnDisk(copy);
    await publish("5", old);
    const fromLate = await read(late, "5", old);
    expect(fromLate.sightings[0]).toEqual({ kind: "gap", text: "epoch" });
    expect(fromLate.sightings.slice(1)).toEqual(messages(["1", "2", "5"]));
    const fromEarly = await read(early, "5", old);
    expect(fromEarly.sightings).toEqual(messages(["5"]));
  });

  test("has dropped what it missed is told so across the restart, and gets the rest", async () => {
    const small = { store: { maxMessages: 16 }, settings: { log: { maxMessages: 16 } } };
    await restart(small);
    const cursor = await publish("1");
    await publishAll(numbers(2, 60));
    await restart(small);
    await publish("61");
    const { sightings, gaps } = await read(cursor, "61");
    const [earliest = 0] = gaps.map((gap) => offsetOf(gap.earliest));
    expect(earliest).toBeGreaterThan(2);
    expect(earliest).toBeLessThanOrEqual(60 - 1);
    expect(sightings).toEqual([
      { kind: "gap", text: "retention" },
      ...messages(numbers(earliest + 1, 61)),
    ]);
  });

  test("could not write a message is told so, before and after a restart", async () => {
    const cursor = await publish("1");
    gateway.disk.commitFault = FULL;
    await expect(publish("2")).rejects.toThrow();
    gateway.disk.commitFault = null;
    await readiness(gateway.urls, 200);
    await publish("3");
    const expected = [{ kind: "gap", text: "store" }, ...messages(["3"])];
    const before = await read(cursor, "3");
    expect(before.sightings).toEqual(expected);
    expect(before.gaps.map(({ earliest }) => offsetOf(earliest))).toEqual([2]);
    await restart();
    const after = await read(cursor, "3");
    expect(after.sightings).toEqual(expected);
  });

  test("keeps no message of QoS 0 goes on behind it without a gap", async () => {
    const cursor = await publish("1");
    const writer = await WireClient.connected(Number(new URL(gateway.urls.mqtt).port));
    writer.send(publishPacket(TOPIC, "volatile"));
    await writer.settled();
    const before = await read(cursor, "volatile");
    writer.end();
    await restart();
    await publish("2");
    expect((await read(cursor, "2")).sightings).toEqual(messages(["2"]));
    expect((await read(before.cursor, "2")).sightings).toEqual(messages(["2"]));
  });
});

test("retained messages of QoS 1 and 0 are back after a restart, and cleared ones are not", async () => {
  const port = Number(new URL(gateway.urls.http).port);
  await send(port, "POST", "/v1/topics/kept?retain=true", { body: "k" });
  await send(port, "POST", "/v1/topics/cleared?retain=true", { body: "c" });
  await send(port, "DELETE", "/v1/topics/cleared");
  const writer = await WireClient.connected(Number(new URL(gateway.urls.mqtt).port));
  writer.send(publishPacket("volatile", "v", { retain: true }));
  await writer.settled();
  writer.end();
  await restart();
  expect(await readRetained(gateway.urls, "kept")).toBe("k");
  expect(await readRetained(gateway.urls, "volatile")).toBe("v");
  expect(await readRetained(gateway.urls, "cleared")).toBeNull();
});
