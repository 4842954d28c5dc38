import { randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import { afterEach, expect, test } from "vitest";
import WebSocket from "ws";
import { closed } from "../support/closed.ts";
import { request } from "../support/contract/http.ts";
import { mqttEgress, mqttIngress } from "../support/contract/mqtt.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { RAW_READERS } from "../support/raw-readers.ts";

const DEADLINE_MS = 5_000;

let gateway: GatewayProcess;

afterEach(() => gateway.stop());

test("SIGTERM under load: what was acknowledged reaches the readers, then the process exits 0", async () => {
  gateway = await GatewayProcess.start([`drain.timeoutMs=${DEADLINE_MS}`]);
  const topic = `term/${randomBytes(4).toString("hex")}`;
  const reader = await mqttEgress("mqtt", 1).open(gateway.urls, [topic]);
  const acknowledged = new Set<string>();
  let isEnding = false;
  let endStopped: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => {
    endStopped = resolve;
  });
  const publishing = ["a", "b", "c"].map(async (name) => {
    const publisher = await mqttIngress("mqtt", 1).open(gateway.urls);
    for (let index = 0; !isEnding; index += 1) {
      const payload = `${name}${index}`;
      // A publish the drain interrupts is not acknowledged, and so not expected anywhere.
      const isAccepted = await Promise.race([
        publisher.publish(topic, Buffer.from(payload)).then(
          () => true,
          () => false,
        ),
        stopped.then(() => false),
      ]);
      if (!isAccepted) return;
      acknowledged.add(payload);
    }
  });
  const received = new Set<string>();
  for (let count = 0; count < 500; count += 1) received.add(String((await reader.next()).payload));
  const startedAt = performance.now();
  gateway.signal("SIGTERM");
  const exit = gateway.exit();
  for (;;) {
    const message = await reader.next().catch(() => null);
    if (message === null) break;
    received.add(String(message.payload));
  }
  isEnding = true;
  expect(await exit).toBe(0);
  endStopped();
  expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS + 1_000);
  await Promise.all(publishing);
  const lost = [...acknowledged].filter((payload) => !received.has(payload));
  expect(lost).toEqual([]);
});

test("SIGTERM says goodbye in each protocol's words", async () => {
  gateway = await GatewayProcess.start([`drain.timeoutMs=${DEADLINE_MS}`]);
  const socket = new WebSocket(`${gateway.urls.http.replace("http", "ws")}/ws`);
  await once(socket, "open");
  const raw = await Promise.all(RAW_READERS.map((kind) => kind.open(gateway.urls, "goodbye")));
  const agent = new http.Agent({ keepAlive: true });
  const poll = request(agent, "GET", `${gateway.urls.http}/v1/poll?filter=goodbye&timeout=30`);
  const goodbye = once(socket, "close");
  const ended = raw.map((reader) => closed(reader.socket));
  // The poll is held once its request has been read; another request on its heels proves that.
  await request(undefined, "GET", `${gateway.urls.http}/healthz`);
  gateway.signal("SIGTERM");
  const answer = await poll;
  expect(answer.status).toBe(503);
  expect(answer.headers["retry-after"]).toMatch(/^\d+$/);
  expect(answer.headers["tributary-cursor"]).toMatch(/^[0-9a-z]+-[0-9a-z]+$/);
  const [code] = (await goodbye) as [number];
  expect(code).toBe(1001);
  await Promise.all(ended);
  expect(await gateway.exit()).toBe(0);
  agent.destroy();
});
