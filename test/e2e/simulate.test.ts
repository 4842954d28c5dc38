import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { closedPort } from "../support/closed-port.ts";
import { checkedFetch } from "../support/documents/checked-fetch.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { runTributary, spawnTributary } from "../support/tributary.ts";

let gateway: GatewayProcess;

beforeAll(async () => {
  gateway = await GatewayProcess.start();
});

afterAll(async () => {
  await gateway.stop();
});

function ports(): string[] {
  const { http, mqtt, tcp } = gateway.urls;
  const of = (url: string) => new URL(url).port;
  return ["--http-port", of(http), "--mqtt-port", of(mqtt), "--tcp-port", String(tcp.port)];
}

async function retainedStatus(machine: string): Promise<string> {
  const answer = await checkedFetch(`${gateway.urls.http}/v1/topics/${machine}/status`);
  return answer.text();
}

test("machines on every transport publish and leave as offline", async () => {
  const mix = "mqtt,mqtt-ws,http,websocket,websocket-binary,tcp";
  const args = ["simulate", ...ports(), "--mix", mix, "--sensors", "36", "--rate-factor", "20"];
  const { code, out, err } = await runTributary([...args, "--duration", "1", "--root", "mixed"]);
  expect(err).not.toContain("failed");
  expect(code).toBe(0);
  expect(Number(/^(\d+) readings/.exec(out)?.[1])).toBeGreaterThan(20);
  for (const machine of ["line-1/press", "line-1/oven", "line-2/lathe"]) {
    expect(await retainedStatus(`mixed/${machine}`)).toBe("offline");
  }
});

test("the same seed publishes the same values", async () => {
  const run = async (root: string) => {
    const args = ["simulate", ...ports(), "--sensors", "6", "--seed", "9", "--root", root];
    await runTributary([...args, "--rate-factor", "10", "--duration", "1.5"]);
    const read = ["sub", "--via", "poll", "-p", new URL(gateway.urls.http).port, "--from"];
    const first = ["earliest", "-C", "3", "-W", "20", "-t", `${root}/line-1/press/pressure`];
    return (await runTributary([...read, ...first])).out;
  };
  const values = await run("seed-a");
  expect(values.trimEnd().split("\n")).toHaveLength(3);
  expect(await run("seed-b")).toBe(values);
});

test("a machine that is cut off is offline by its will", async () => {
  const child = spawnTributary(["simulate", ...ports(), "--sensors", "1", "--root", "cut"]);
  for await (const chunk of child.stderr ?? []) {
    if (String(chunk).includes("sensors on")) break;
  }
  expect(await retainedStatus("cut/line-1/press")).toBe("online");
  const poll = `${gateway.urls.http}/v1/poll?filter=cut/line-1/press/status`;
  const position = (await checkedFetch(`${poll}&timeout=0`)).headers.get("tributary-cursor");
  child.kill("SIGKILL");
  await once(child, "exit");
  const reading = await checkedFetch(`${poll}&cursor=${position}`);
  expect(await reading.text()).toContain('"payload":"offline"');
});

test("says what to do without a gateway", async () => {
  const { code, err } = await runTributary(["simulate", "--mqtt-port", String(await closedPort())]);
  expect(code).toBe(1);
  expect(err).toContain("npm start");
});
