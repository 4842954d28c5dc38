import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GatewayProcess } from "../support/gateway-process.ts";
import { ProxyServer } from "../support/proxy-server.ts";
import { runTributary } from "../support/tributary.ts";

let gateway: GatewayProcess;
let directory: string;

beforeAll(async () => {
  gateway = await GatewayProcess.start(["store.kind=memory"]);
  directory = await mkdtemp(join(tmpdir(), "tributary-proxy-"));
});

afterAll(async () => {
  await gateway.stop();
  await rm(directory, { recursive: true, force: true });
});

test.each(["socks5", "http"] as const)("pub and sub go through a proxy of %s", async (kind) => {
  const credentials = { user: "plant", password: "s3cret" };
  const proxy = await ProxyServer.start({ kind, credentials });
  const topic = `proxied/${kind}`;
  const at = (url: string): string[] => ["--url", url, "--proxy", proxy.url];
  const pub = await runTributary([
    ...["pub", "-t", topic, "-m", "through", "-q", "1", "-r"],
    ...at(gateway.urls.mqtt),
  ]);
  expect(pub).toMatchObject({ code: 0, err: "" });
  const read = ["sub", "-t", topic, "-C", "1", "--via", "sse"];
  const sub = await runTributary([...read, ...at(gateway.urls.http)]);
  expect(sub).toMatchObject({ code: 0, out: "through\n" });
  expect(proxy.destinations).toEqual([
    new URL(gateway.urls.mqtt).host,
    new URL(gateway.urls.http).host,
  ]);
  await proxy.stop();
});

test("compare measures a gateway behind a proxy, with every connection through it", async () => {
  const proxy = await ProxyServer.start({ kind: "socks5" });
  const plan = join(directory, "short.yaml");
  await writeFile(
    plan,
    JSON.stringify({
      name: "short",
      ingress: ["mqtt-qos1"],
      egress: ["mqtt", "websocket", "poll", "tcp"],
      ratePerSecond: 20,
      warmUpSeconds: 0,
      windowSeconds: 0.5,
      blocks: 2,
      settleSeconds: 10,
      costSeconds: 0,
      validity: { maxSendDelayMs: 5_000, maxLoopDelayMs: 5_000, maxGatewayLoopDelayMs: 5_000 },
    }),
  );
  const { http, mqtt, tcp } = gateway.urls;
  const out = join(directory, "report");
  const run = await runTributary([
    ...["compare", "--plan", plan, "--out", out, "--target", http, "--mqtt", mqtt],
    ...["--tcp", `tcp://${tcp.host}:${tcp.port}`, "--proxy", proxy.url],
  ]);
  // Two blocks are too few for a verdict; what is asked here is that every message came.
  expect([0, 3]).toContain(run.code);
  const report = JSON.parse(await readFile(join(out, "report.json"), "utf8"));
  expect(JSON.stringify(report)).toContain('"egress":"poll"');
  for (const place of [new URL(mqtt).host, new URL(http).host, `${tcp.host}:${tcp.port}`]) {
    expect(proxy.destinations).toContain(place);
  }
  await proxy.stop();
});

test.each([
  [["pub", "-t", "a", "-m", "b", "--proxy", "socks4://h:1"], /--proxy: there is no way/],
  [["sub", "-t", "a", "--proxy", "here"], /--proxy: a proxy is given as/],
  [["compare", "--proxy", "socks5://h:1"], /--proxy goes with --target/],
] as const)("%j is refused as a wrong command line", async (args, why) => {
  const run = await runTributary(args);
  expect(run.code).toBe(64);
  expect(run.err).toMatch(why);
});
