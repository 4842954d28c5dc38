import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import type { GatewayUrls } from "../contract/client.ts";
import { checkedFetch } from "../documents/checked-fetch.ts";
import { GatewayProcess, type Launch } from "../gateway-process.ts";
import { publishPacket, WireClient } from "../mqtt-wire.ts";
import { ROOMY_SETTINGS } from "./campaign.ts";
import { readFrame } from "./frame.ts";

/** What a publisher was told by POST. */
export interface PostAnswer {
  readonly status: number;
  readonly offset: number | null;
  readonly code: string | null;
}

export async function post(urls: GatewayUrls, topic: string, body: string): Promise<PostAnswer> {
  const url = `${urls.http}/v1/topics/${topic}`;
  const response = await checkedFetch(url, { method: "POST", body });
  const { offset = null, code = null } = (await response.json()) as Partial<PostAnswer>;
  return { status: response.status, offset, code };
}

/** A message that was acknowledged by POST. */
export interface Posted {
  readonly offset: number;
  readonly payload: string;
}

/**
 * Publishes until the store refuses: what was acknowledged before. Throws when it takes everything,
 * or refuses otherwise than it should.
 */
export async function fillUntilRefused(urls: GatewayUrls, topic: string): Promise<Posted[]> {
  const posted: Posted[] = [];
  for (let number = 0; number < 5_000; number += 1) {
    const payload = `fill#${number}#${"x".repeat(16_000)}`;
    const { status, offset, code } = await post(urls, topic, payload);
    if (status === 503 && code === "store_unavailable") return posted;
    if (status !== 202 || offset === null) throw new Error(`answered ${status} ${code}`);
    posted.push({ offset, payload });
  }
  throw new Error("the disk never filled");
}

/** Waits until `/readyz` answers so; resolves with what it says. */
export async function readiness(urls: GatewayUrls, status: 200 | 503): Promise<string> {
  const deadline = performance.now() + 15_000;
  for (;;) {
    const response = await checkedFetch(`${urls.http}/readyz`);
    const text = await response.text();
    if (response.status === status) return text;
    if (performance.now() > deadline) throw new Error(`still ${response.status}: ${text}`);
  }
}

/** Publishes by POST until it is accepted again; its offset. */
export async function untilAccepted(urls: GatewayUrls, topic: string, body: string) {
  const deadline = performance.now() + 15_000;
  for (;;) {
    const { status, offset } = await post(urls, topic, body);
    if (status === 202 && offset !== null) return offset;
    if (performance.now() > deadline) throw new Error(`still refused with ${status}`);
  }
}

/** A message of QoS 0 from MQTT to WebSocket; the payload that arrived. */
export async function sendQos0(gateway: GatewayProcess, topic: string): Promise<string> {
  const socket = new WebSocket(`${gateway.urls.http.replace("http", "ws")}/ws`);
  await once(socket, "open");
  const live = new Promise<void>((resolve) => {
    socket.on("message", (data: Buffer) => {
      if (readFrame(data.toString())?.type === "live") resolve();
    });
  });
  const arrived = new Promise<string>((resolve) => {
    socket.on("message", (data: Buffer) => {
      const frame = readFrame(data.toString());
      if (frame?.type === "message") resolve(frame.payload ?? "");
    });
  });
  socket.send(JSON.stringify({ type: "subscribe", id: 1, filter: topic, retained: false }));
  await live;
  const publisher = await WireClient.connected(gateway.port("mqtt"));
  publisher.send(publishPacket(topic, "qos 0 flows on"));
  const payload = await arrived;
  publisher.end();
  socket.terminate();
  return payload;
}

/** Directories and processes of one test, gone when it ends. */
export class DiskBench {
  readonly #folders: string[] = [];
  readonly #processes: GatewayProcess[] = [];

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "tributary-disk-"));
    this.#folders.push(folder);
    return folder;
  }

  spawn(dataDir: string, launch: Launch = {}, settings: readonly string[] = []): GatewayProcess {
    const options = ["--store", "lmdb", "--data-dir", dataDir];
    const gateway = GatewayProcess.spawn([...ROOMY_SETTINGS, ...settings], options, launch);
    this.#processes.push(gateway);
    return gateway;
  }

  async start(dataDir: string, launch: Launch = {}): Promise<GatewayProcess> {
    const gateway = this.spawn(dataDir, launch);
    await gateway.awaitReady();
    return gateway;
  }

  async close(): Promise<void> {
    for (const gateway of this.#processes) await gateway.stop();
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true });
  }
}
