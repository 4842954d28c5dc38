import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EGRESS_NAMES, INGRESS_NAMES } from "../../src/compare/plan.ts";
import { checkedFetch } from "../support/documents/checked-fetch.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { requireTool } from "../support/tools.ts";
import { type Finished, runTributary, spawnTributary } from "../support/tributary.ts";

let parent: string;
let folder: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "tributary-cert-"));
  folder = join(parent, "certs");
});

afterEach(() => rm(parent, { recursive: true, force: true }));

function cert(...args: string[]): Promise<Finished> {
  return runTributary(["cert", "--out", folder, ...args]);
}

function at(name: string): string {
  return join(folder, name);
}

async function read(name: string): Promise<X509Certificate> {
  return new X509Certificate(await readFile(at(name), "utf8"));
}

/** Every certificate and key, to see which of them a command changed. */
async function contents(...names: string[]): Promise<string[]> {
  return Promise.all(names.map((name) => readFile(at(name), "utf8")));
}

describe("tributary cert", () => {
  test("makes a CA and certificates that it has signed", async () => {
    expect(await cert("--client", "press-1", "--host", "gw.example")).toMatchObject({
      code: 0,
      err: "",
    });
    const [server, client] = [await read("server.pem"), await read("client-press-1.pem")];
    for (const [name, certificate, other] of [
      ["ca.pem", server, client],
      ["client-ca.pem", client, server],
    ] as const) {
      const ca = await read(name);
      expect(ca.ca).toBe(true);
      expect(certificate.checkIssued(ca)).toBe(true);
      expect(certificate.verify(ca.publicKey)).toBe(true);
      expect(other.checkIssued(ca)).toBe(false);
    }
    for (const name of ["gw.example", "localhost"]) expect(server.checkHost(name)).toBe(name);
    expect(server.checkIP("127.0.0.1")).toBe("127.0.0.1");
    expect(client.subject).toBe("CN=press-1");
    // Server and client authentication (RFC 5280 §4.2.1.12): neither can be used for the other.
    expect([server.keyUsage, client.keyUsage]).toEqual([
      ["1.3.6.1.5.5.7.3.1"],
      ["1.3.6.1.5.5.7.3.2"],
    ]);
  });

  test("writes keys that only their owner can read", async () => {
    await cert("--client", "press-1");
    for (const stem of ["ca", "client-ca", "server", "client-press-1"]) {
      expect((await stat(at(`${stem}-key.pem`))).mode & 0o777).toBe(0o600);
    }
  });

  test("--days says when the certificates end, and never after their CA", async () => {
    await cert("--days", "30");
    const days = (Date.parse((await read("server.pem")).validTo) - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(30);
  });

  test("writes over nothing without --force, and names what is there", async () => {
    await cert();
    const before = await contents("ca.pem", "server.pem", "server-key.pem");
    const { code, err } = await cert();
    expect(code).toBe(1);
    expect(err).toContain(`${at("server.pem")}, ${at("server-key.pem")}`);
    expect(await contents("ca.pem", "server.pem", "server-key.pem")).toEqual(before);
  });

  test("--force renews the server's certificate by the same CA", async () => {
    await cert();
    const before = await contents("ca.pem", "ca-key.pem");
    const old = await read("server.pem");
    expect(await cert("--force")).toMatchObject({ code: 0 });
    expect(await contents("ca.pem", "ca-key.pem")).toEqual(before);
    const renewed = await read("server.pem");
    expect(renewed.fingerprint256).not.toBe(old.fingerprint256);
    expect(renewed.verify((await read("ca.pem")).publicKey)).toBe(true);
  });

  test("adds a client to what is there, and leaves the rest alone", async () => {
    await cert();
    const before = await contents("ca.pem", "client-ca.pem", "server.pem", "tls.yaml");
    expect(await cert("--client", "press-1")).toMatchObject({ code: 0 });
    expect(await contents("ca.pem", "client-ca.pem", "server.pem", "tls.yaml")).toEqual(before);
    const client = await read("client-press-1.pem");
    expect(client.checkIssued(await read("client-ca.pem"))).toBe(true);
  });

  test.each(["ca", "client-ca"])("half of %s is not taken for none", async (stem) => {
    await cert();
    await rm(at(`${stem}-key.pem`));
    const { code, err } = await cert("--force");
    expect(code).toBe(1);
    expect(err).toContain(` ${stem}.pem and not the other half`);
  });

  test.each([
    ["--client", "../escape"],
    ["--host", "not a name"],
    ["--days", "0"],
  ])("%s %s is refused", async (option, value) => {
    expect(await cert(option, value)).toMatchObject({ code: 64 });
  });
});

describe("a gateway with these certificates", () => {
  let gateway: GatewayProcess;
  const settings = ["http", "mqtt", "tcp"].map((name) => `${name}.tls.port=0`);

  beforeEach(async () => {
    await cert("--client", "press-1");
    gateway = await GatewayProcess.start(settings, ["--config", at("tls.yaml")]);
  });

  afterEach(() => gateway.stop());

  function by(via: string): string[] {
    const scheme = via === "mqtt" ? "mqtts" : via === "tcp" ? "tls" : "https";
    return ["--via", via, "-h", "localhost", "-p", String(gateway.port(scheme))];
  }

  test.each(["mqtt", "mqtt-ws", "websocket", "websocket-binary", "http", "tcp"])(
    "pub by %s checks who it is talking to",
    async (via) => {
      const pub = ["pub", ...by(via), "-q", "1", "-t", `checked/${via}`, "-m", "x"];
      expect(await runTributary([...pub, "--ca", at("ca.pem")])).toMatchObject({
        code: 0,
        err: "",
      });
      const unknown = await runTributary([...pub, "--tls"]);
      expect(unknown.code).toBe(1);
      expect(unknown.err).toMatch(/certificate.*\n.*--ca FILE/);
      const insecure = await runTributary([...pub, "--insecure"]);
      expect(insecure.code).toBe(0);
      expect(insecure.err).toMatch(/^WARNING: --insecure/);
    },
  );

  test.each(["mqtt", "mqtt-ws", "websocket", "websocket-binary", "sse", "poll", "tcp"])(
    "sub by %s reads what was published",
    async (via) => {
      const own = ["--cert", at("client-press-1.pem"), "--key", at("client-press-1-key.pem")];
      const trust = ["--ca", at("ca.pem"), ...own];
      await runTributary(["pub", ...by("http"), ...trust, "-t", `kept/${via}`, "-m", "x", "-r"]);
      const sub = ["sub", ...by(via), ...trust, "-t", `kept/${via}`, "-C", "1", "-W", "10"];
      expect(await runTributary(sub)).toMatchObject({ code: 0, out: "x\n" });
    },
  );

  test.each(["mqtt", "mqtt-ws", "websocket", "http", "tcp"])(
    "pub by %s in the clear is told of --tls",
    async (via) => {
      const { code, err } = await runTributary(["pub", ...by(via), "-t", "clear", "-m", "x"]);
      expect(code).toBe(1);
      expect(err).toMatch(/\n\(if that is a TLS listener, add --tls/);
    },
  );

  test.each(["mqtt", "websocket", "sse", "poll"])(
    "sub by %s in the clear is told of --tls",
    async (via) => {
      const { code, err } = await runTributary(["sub", ...by(via), "-t", "clear", "-W", "20"]);
      expect(code).toBe(1);
      expect(err).toMatch(/\n\(if that is a TLS listener, add --tls/);
    },
  );

  test("simulate's machines connect by TLS, each by its transport, and check whom they talk to", async () => {
    const ports = ["http", "mqtt", "tcp"].flatMap((name) => {
      const scheme = { http: "https", mqtt: "mqtts", tcp: "tls" }[name] ?? "";
      return [`--${name}-port`, String(gateway.port(scheme))];
    });
    const plant = ["--sensors", "36", "--rate-factor", "20", "--duration", "1"];
    const mix = ["--mix", "mqtt,mqtt-ws,http,websocket,websocket-binary,tcp"];
    const simulate = ["simulate", "-h", "localhost", ...ports, ...plant, ...mix];
    const own = ["--cert", at("client-press-1.pem"), "--key", at("client-press-1-key.pem")];
    const trusted = await runTributary([...simulate, "--ca", at("ca.pem"), ...own]);
    expect(trusted.err).not.toContain("failed");
    expect(trusted.code).toBe(0);
    expect(Number(/^(\d+) readings/.exec(trusted.out)?.[1])).toBeGreaterThan(20);
    const unknown = await runTributary([...simulate, "--tls"]);
    expect(unknown.code).toBe(1);
    expect(unknown.err).toMatch(/certificate.*\n.*--ca FILE/);
    const insecure = await runTributary([...simulate, "--insecure"]);
    expect(insecure.code).toBe(0);
    expect(insecure.err).toMatch(/^WARNING: --insecure/);
    expect((await runTributary([...simulate, "--ca", at("none.pem")])).code).toBe(64);
  });

  test("compare measures every pair over TLS, with nothing lost", async () => {
    const plan = {
      name: "tls",
      ingress: INGRESS_NAMES,
      egress: EGRESS_NAMES,
      ratePerSecond: 20,
      payloadBytes: 100,
      warmUpSeconds: 0.1,
      windowSeconds: 0.2,
      settleSeconds: 10,
      costSeconds: 0,
      plainPollIntervalMs: 50,
      validity: { maxSendDelayMs: 5_000, maxLoopDelayMs: 5_000, maxGatewayLoopDelayMs: 5_000 },
    };
    const file = join(parent, "plan.yaml");
    // JSON is YAML.
    await writeFile(file, JSON.stringify(plan));
    const url = (scheme: string) => `${scheme}://localhost:${gateway.port(scheme)}`;
    const target = ["--target", url("https"), "--mqtt", url("mqtts"), "--tcp", url("tls")];
    const compare = ["compare", "--plan", file, ...target];
    expect(await runTributary([...compare, "--ca", at("ca.pem")])).toMatchObject({ code: 0 });
    const unknown = await runTributary(compare);
    expect(unknown.code).toBe(1);
    expect(unknown.err).toContain("certificate");
  });

  test.skipIf(requireTool("openssl"))("shows its own certificate, and not its CA's", async () => {
    for (const scheme of ["https", "mqtts", "tls"]) {
      const place = ["-connect", `127.0.0.1:${gateway.port(scheme)}`, "-servername", "localhost"];
      const trust = ["-CAfile", at("ca.pem"), "-verify_return_error", "-showcerts"];
      const shown = await new Promise<string>((resolve) => {
        const child = execFile("openssl", ["s_client", ...place, ...trust], (_, out) =>
          resolve(out),
        );
        child.stdin?.end();
      });
      expect(shown).toContain("Verify return code: 0 (ok)");
      expect(shown.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
    }
  });

  test("knows a client by its certificate", async () => {
    const own = ["--cert", at("client-press-1.pem"), "--key", at("client-press-1-key.pem")];
    const sub = ["sub", ...by("websocket"), "--ca", at("ca.pem"), ...own, "-t", "named/#", "-d"];
    const child = spawnTributary(sub);
    for await (const chunk of child.stderr ?? []) if (String(chunk).includes("reading")) break;
    const answer = await checkedFetch(`http://127.0.0.1:${gateway.port("http")}/v1/sessions`);
    const { sessions } = (await answer.json()) as { sessions: { user?: string }[] };
    expect(sessions.map(({ user }) => user)).toContain("press-1");
    child.kill("SIGTERM");
    await once(child, "close");
  });

  test.skipIf(requireTool("curl"))("SIGHUP has it show the renewed one", async () => {
    const place = ["-sS", "--cacert", at("ca.pem"), "-v"];
    const url = `https://localhost:${gateway.port("https")}/healthz`;
    const ends = () =>
      new Promise<string>((resolve) => {
        execFile("curl", [...place, url], (_, out, err) =>
          resolve(/expire date: (.*)/.exec(out + err)?.[1] ?? ""),
        );
      });
    const before = await ends();
    expect(before).not.toBe("");
    await cert("--force", "--days", "20");
    gateway.signal("SIGHUP");
    await expect.poll(ends).not.toBe(before);
  });
});

test("serve exits 78 and names every file that is of no use", async () => {
  const settings = ["http", "mqtt", "tcp"].flatMap((name) => [
    ...["--set", `${name}.port=0`, "--set", `${name}.tls.enabled=true`],
    ...["--set", `${name}.tls.certFile=${at("none.pem")}`, "--set", `${name}.tls.keyFile=none`],
  ]);
  const { code, err } = await runTributary(["serve", "--store", "memory", ...settings]);
  expect(code).toBe(78);
  for (const name of ["http", "mqtt", "tcp"]) {
    expect(err).toContain(`${name}.tls.certFile: ${at("none.pem")} cannot be read`);
  }
});
