import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseCursor } from "../../src/bus/cursor.ts";
import {
  ResumablePoll,
  type ResumableReader,
  ResumableStream,
  ResumableTcp,
  ResumableWebSocket,
} from "../support/contract/resumable.ts";
import { readRetained, startCursor } from "../support/fault/log-reading.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { KEYED_TRANSPORTS } from "../support/keyed-publish.ts";
import { publishPacket, WireClient } from "../support/mqtt-wire.ts";

const READERS = [
  { name: "websocket", Reader: ResumableWebSocket, port: "http" },
  { name: "sse", Reader: ResumableStream, port: "http" },
  { name: "long-poll", Reader: ResumablePoll, port: "http" },
  { name: "tcp", Reader: ResumableTcp, port: "tcp" },
] as const;

const TOPIC = "kill";

let dataDir: string;
let gateway: GatewayProcess;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "tributary-kill-"));
  gateway = await start();
});

afterEach(async () => {
  await gateway.stop();
  await rm(dataDir, { recursive: true });
});

/** With the default settings but for its ports and its directory. */
function start(): Promise<GatewayProcess> {
  return GatewayProcess.start([], ["--data-dir", dataDir]);
}

async function killAndRestart(): Promise<void> {
  gateway.signal("SIGKILL");
  await gateway.exit();
  gateway = await start();
}

async function post(payload: string, query = ""): Promise<number> {
  const url = `${gateway.urls.http}/v1/topics/${TOPIC}${query}`;
  const answer = await fetch(url, { method: "POST", body: payload });
  expect(answer.status).toBe(202);
  return ((await answer.json()) as { offset: number }).offset;
}

describe.each(READERS)("a $name reader of a gateway that was killed", ({ Reader, port }) => {
  async function read(cursor: string, until: string): Promise<ResumableReader> {
    const http = new URL(gateway.urls.http);
    const target =
      port === "http" ? { host: http.hostname, port: Number(http.port) } : gateway.urls.tcp;
    const reader = new Reader(target, TOPIC, cursor, ({ text }) => text === until);
    await reader.run();
    return reader;
  }

  test("has what was acknowledged, and is told a gap if it had seen more than the disk", async () => {
    const begin = await startCursor(gateway.urls);
    for (const each of ["1", "2", "3"]) await post(each);
    const writer = await WireClient.connected(gateway.port("mqtt"));
    writer.send(publishPacket(TOPIC, "4"), publishPacket(TOPIC, "5"));
    const seen = await read(begin, "5");
    writer.end();
    await killAndRestart();
    // The places of what was of QoS 0 and on no disk are given again.
    expect(await post("6")).toBe(4);
    const fromBegin = await read(begin, "6");
    expect(fromBegin.sightings.map(({ text }) => text)).toEqual(["1", "2", "3", "6"]);
    const fromSeen = await read(seen.cursor, "6");
    expect(fromSeen.sightings.map(({ text }) => text)).toEqual(["epoch", "6"]);
    expect(fromSeen.gaps.map(({ earliest }) => parseCursor(earliest).offset)).toEqual([3]);
  });
});

test("a retained message that was acknowledged is back after a kill", async () => {
  await post("kept", "?retain=true");
  await killAndRestart();
  expect(await readRetained(gateway.urls, TOPIC)).toBe("kept");
});

test("an idempotency key holds over a kill, on every transport that takes one", async () => {
  const messages = KEYED_TRANSPORTS.map((transport) => ({
    transport,
    message: { topic: TOPIC, payload: transport.name, key: transport.name },
  }));
  const first: unknown[] = [];
  for (const { transport, message } of messages) {
    first.push(await transport.publish(gateway.urls, message));
  }
  await killAndRestart();
  const repeated: unknown[] = [];
  for (const { transport, message } of messages) {
    repeated.push(await transport.publish(gateway.urls, message));
  }
  expect(repeated).toEqual(first);
  expect(await post("next")).toBe(messages.length + 1);
});
