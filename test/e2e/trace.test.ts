import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Inbox } from "../support/contract/inbox.ts";
import { GatewayProcess } from "../support/gateway-process.ts";

const MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

let gateway: GatewayProcess;

beforeAll(async () => {
  gateway = await GatewayProcess.start();
});

afterAll(() => gateway.stop());

/** A running `tributary trace`, once it waits for messages. */
async function startTrace(
  ...args: string[]
): Promise<{ child: ChildProcess; lines: Inbox<string>; ended: Promise<unknown[]> }> {
  const child = spawn(process.execPath, [MAIN, "trace", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  // Listened for from the beginning: it may have ended before its last line is looked at.
  const ended = once(child, "exit");
  const lines = new Inbox<string>("trace");
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const notices = new Inbox<string>("notices of trace");
  createInterface({ input: child.stderr }).on("line", (line) => notices.push(line));
  expect(await notices.next()).toContain("waiting");
  return { child, lines, ended };
}

async function publish(topic: string, property?: string): Promise<void> {
  const headers = property === undefined ? {} : { "Tributary-User-Property": property };
  const url = `${gateway.urls.http}/v1/topics/${topic}`;
  const answer = await fetch(url, { method: "POST", body: "21.5", headers });
  expect(answer.status).toBe(202);
}

function by(via: string): string[] {
  const port = via === "tcp" ? gateway.urls.tcp.port : new URL(gateway.urls.http).port;
  return ["--via", via, "-p", String(port)];
}

test.each(["websocket", "websocket-binary", "sse", "poll", "tcp"])(
  "trace --via %s prints the stages of the messages that ask for it",
  async (via) => {
    const topic = `trace/${via}`;
    const { lines, ended } = await startTrace(`${topic}/#`, "--json", "-C", "1", ...by(via));
    await publish(`${topic}/silent`);
    await publish(`${topic}/loud`, "trace=1");
    const record: unknown = JSON.parse(await lines.next());
    expect(record).toMatchObject({ topic: `${topic}/loud`, ingress: "http", egress: via });
    const { receivedAt, acceptedAt, encodedAt, arrivedAt, ms } = record as Record<
      string,
      number
    > & {
      ms: Record<string, number>;
    };
    expect(receivedAt).toBeLessThanOrEqual(acceptedAt ?? 0);
    expect(acceptedAt).toBeLessThanOrEqual(encodedAt ?? 0);
    expect(encodedAt).toBeLessThanOrEqual((arrivedAt ?? 0) + 1);
    const { ingress = 0, bus = 0, egress = 0, total = 0 } = ms;
    expect(ingress + bus + egress).toBeCloseTo(total, 2);
    expect(total).toBeLessThan(10_000);
    const [code] = await ended;
    expect(code).toBe(0);
  },
);

test("trace without --via takes a transport that carries the stages, which MQTT does not", async () => {
  const port = new URL(gateway.urls.http).port;
  const { lines, ended } = await startTrace("trace/plain", "--json", "-C", "1", "-p", port);
  await publish("trace/plain", "trace=1");
  expect(JSON.parse(await lines.next())).toMatchObject({ egress: "websocket" });
  const [code] = await ended;
  expect(code).toBe(0);
});

test("trace prints one line a message for people, until it is interrupted", async () => {
  const { child, lines, ended } = await startTrace("trace/people", ...by("websocket"));
  await publish("trace/people", "trace=1");
  expect(await lines.next()).toMatch(
    /^[\d:.]+ {2}ingress +\d+\.\d{3} {2}bus +\d+\.\d{3} {2}egress +-?\d+\.\d{3} {2}total +-?\d+\.\d{3} ms {2}http → websocket {2}trace\/people$/,
  );
  child.kill("SIGINT");
  const [code] = await ended;
  expect(code).toBe(130);
});
