import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FlagValue } from "../../src/config/assignment.ts";
import { derivedMaxPacketBytes } from "../../src/config/derived.ts";
import { type LoadedConfig, loadConfig, parseConfig } from "../../src/config/load.ts";
import { ConfigError, formatProblem } from "../../src/config/problem.ts";
import { maxCommandBytes } from "../../src/transport/command-session-parts.ts";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tributary-config-"));
});

afterAll(() => rm(folder, { recursive: true }));

interface Given {
  readonly yaml?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly set?: Readonly<Record<string, string>>;
}

async function load(given: Given): Promise<LoadedConfig> {
  const file = given.yaml === undefined ? undefined : join(folder, "site.yaml");
  if (file !== undefined) await writeFile(file, given.yaml ?? "");
  const flags: FlagValue[] = Object.entries(given.set ?? {}).map(([path, text]) => ({
    flag: "--set",
    path,
    text,
  }));
  return loadConfig({ file, env: given.env ?? {}, flags });
}

/** Every problem of settings that must not load, with the folder of the file cut off. */
async function problemsOf(given: Given): Promise<string[]> {
  const thrown: unknown = await load(given).then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof ConfigError)) throw new Error(`no ConfigError but ${String(thrown)}`);
  return thrown.problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ""));
}

describe("precedence", () => {
  test("has the defaults when nothing is given", async () => {
    const { config, origins } = await load({});
    expect(config.http.port).toBe(8080);
    expect(config.mqtt.host).toBe("127.0.0.1");
    expect(origins.size).toBe(0);
  });

  test("flags beat the environment, which beats the file", async () => {
    const { config, origins } = await load({
      yaml: "http: {port: 1, maxHeldPolls: 1}\nmqtt:\n  port: 1\n",
      env: { TRIBUTARY_HTTP_PORT: "2", TRIBUTARY_MQTT_PORT: "2" },
      set: { "http.port": "3" },
    });
    expect([config.http.port, config.mqtt.port, config.http.maxHeldPolls]).toEqual([3, 2, 1]);
    expect(origins.get("http.port")).toBe("--set");
    expect(origins.get("mqtt.port")).toBe("TRIBUTARY_MQTT_PORT");
    expect(origins.get("http.maxHeldPolls")).toBe(join(folder, "site.yaml:1"));
  });

  test("a setting four words deep has an environment variable", async () => {
    const { config } = await load({ env: { TRIBUTARY_HTTP_POLL_MAX_HOLD_MS: "50000" } });
    expect(config.http.poll.maxHoldMs).toBe(50_000);
  });

  test("reads flags, lists and names from text", async () => {
    const { config } = await load({
      env: {
        TRIBUTARY_TCP_ENABLED: "false",
        TRIBUTARY_HTTP_ALLOWED_ORIGINS: "https://a.example, http://b.example:81",
        TRIBUTARY_LOGGING_LEVEL: "debug",
      },
    });
    expect(config.tcp.enabled).toBe(false);
    expect(config.http.allowedOrigins).toEqual(["https://a.example", "http://b.example:81"]);
    expect(config.logging.level).toBe("debug");
  });

  test("a file, or a group, with nothing in it gives nothing", async () => {
    expect((await load({ yaml: "# all at default\n" })).origins.size).toBe(0);
    expect((await load({ yaml: "http:\n" })).origins.size).toBe(0);
  });

  test("variables of other programs are left alone", async () => {
    expect((await load({ env: { HTTP_PORT: "x", TRIBUTARIES: "3" } })).origins.size).toBe(0);
  });
});

describe("problems", () => {
  test("name path, source, value and bound", async () => {
    expect(await problemsOf({ env: { TRIBUTARY_HTTP_PORT: "70000" } })).toEqual([
      "http.port (from TRIBUTARY_HTTP_PORT): 70000 is over the maximum 65535",
    ]);
  });

  test("are all reported at once, of every source, overridden values included", async () => {
    const problems = await problemsOf({
      yaml: "http:\n  prot: 1\n  port: -1\n  poll: 4\ndrain:\n  timeoutMs:\nlogging: {level: 3}\n",
      env: { TRIBUTARY_HTTP_PROT: "1", TRIBUTARY_TCP_ENABLED: "yes", TRIBUTARY_HTTP_PORT: "1.5" },
      set: { "http.port": "8081", "mqtt.portt": "1", "http.allowedOrigins": "*,a.example/x" },
    });
    expect(problems.sort()).toEqual([
      "TRIBUTARY_HTTP_PROT (from environment): sets nothing; did you mean TRIBUTARY_HTTP_PORT?",
      "drain.timeoutMs (from site.yaml:6): has no value; leave the line out to have its default",
      'http.allowedOrigins[1] (from --set): "a.example/x" is not an origin such as https://example.org:8443, nor *',
      "http.poll (from site.yaml:4): 4 stands where a group of settings belongs",
      'http.port (from TRIBUTARY_HTTP_PORT): "1.5" is not a whole number',
      "http.port (from site.yaml:3): -1 is under the minimum 0",
      "http.prot (from site.yaml:2): no such setting; did you mean http.port?",
      "logging.level (from site.yaml:7): 3 is not one of fatal, error, warn, info, debug, trace, silent",
      "mqtt.portt (from --set): no such setting; did you mean mqtt.port?",
      'tcp.enabled (from TRIBUTARY_TCP_ENABLED): "yes" is not true or false',
    ]);
  });

  test("a number too large for exact arithmetic is over the setting's own maximum", async () => {
    expect(await problemsOf({ set: { "tcp.port": "99999999999999999999" } })).toEqual([
      "tcp.port (from --set): 100000000000000000000 is over the maximum 65535",
    ]);
  });

  test("a syntax error names its line", async () => {
    const [problem] = await problemsOf({ yaml: "http:\n  port: 1\n  port: 2\n" });
    expect(problem).toBe("site.yaml:3: Map keys must be unique");
  });

  test("a file that cannot be read is one problem", async () => {
    const missing = join(folder, "missing.yaml");
    const loading = loadConfig({ file: missing, env: {}, flags: [] });
    await expect(loading).rejects.toThrow(`${missing} (from --config): cannot be read: ENOENT`);
  });

  test("a name far from every setting is not guessed at", async () => {
    expect(await problemsOf({ set: { zzz: "1" } })).toEqual(["zzz (from --set): no such setting"]);
  });

  test.each(["__proto__: {port: 1}", "constructor: 1", "http: {toString: 1}"])(
    "a key every object has is no setting: %s",
    async (yaml) => {
      expect((await problemsOf({ yaml }))[0]).toMatch(/no such setting/);
    },
  );
});

describe("settings that do not fit together", () => {
  test.each([
    ["http.poll.defaultHoldMs", "60000", "60000 is over http.poll.maxHoldMs, which is 55000"],
    ["http.poll.defaultMessages", "2000", "2000 is over http.poll.maxMessages, which is 1000"],
    ["http.headersTimeoutMs", "70000", "70000 is over http.requestTimeoutMs, which is 60000"],
    ["mqtt.port", "8080", "8080 is also http.port"],
    ["websocket.path", "/v1/ws", "/v1/ws is taken by the HTTP transport"],
    ["mqtt.websocketPath", "/ws", "/ws is also websocket.path"],
  ])("%s: %s", async (path, text, expected) => {
    expect(await problemsOf({ set: { [path]: text } })).toEqual([
      `${path} (from --set): ${expected}`,
    ]);
  });

  test("messages of QoS 0 cannot be kept on a disk that is not used", async () => {
    const [problem] = await problemsOf({ set: { "log.qos0": "disk", "store.kind": "memory" } });
    expect(problem).toContain("disk needs a store on disk, and store.kind is memory");
  });

  test.each(["0.0.0.0", "::", "192.168.1.1", "example.org", "127.evil.example"])(
    "binding %s without identity needs allowAnonymous",
    async (host) => {
      const problems = await problemsOf({ set: { "mqtt.host": host } });
      expect(problems).toEqual([expect.stringContaining("set security.allowAnonymous: true")]);
      const { config } = await load({
        set: { "mqtt.host": host, "security.allowAnonymous": "true" },
      });
      expect(config.mqtt.host).toBe(host);
    },
  );

  test.each(["127.0.0.1", "127.1.2.3", "::1", "localhost"])("%s may be bound", async (host) => {
    expect((await load({ set: { "http.host": host } })).config.http.host).toBe(host);
  });

  test("a listener that is not opened is not checked", async () => {
    const set = { "tcp.enabled": "false", "tcp.host": "0.0.0.0", "tcp.port": "8080" };
    expect((await load({ set })).config.tcp.enabled).toBe(false);
  });

  test("any free port may be asked for by every listener", async () => {
    const set = { "http.port": "0", "mqtt.port": "0", "tcp.port": "0" };
    expect((await load({ set })).config.mqtt.port).toBe(0);
  });

  test("a refused value is not compared with others", async () => {
    const problems = await problemsOf({
      set: { "http.poll.maxHoldMs": "x", "http.poll.defaultHoldMs": "60000" },
    });
    expect(problems).toEqual(['http.poll.maxHoldMs (from --set): "x" is not a whole number']);
  });
});

describe("the result", () => {
  test("is frozen at every depth", () => {
    const config = parseConfig({ http: { allowedOrigins: ["*"] } });
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.http.poll)).toBe(true);
    expect(Object.isFrozen(config.http.allowedOrigins)).toBe(true);
  });

  test("sizes an MQTT packet by payload and topic unless it is given", () => {
    const open = parseConfig({ limits: { maxPayloadBytes: 1000, maxTopicBytes: 100 } });
    expect(open.mqtt.maxPacketBytes).toBe(1000 + 100 + 65_536);
    expect(derivedMaxPacketBytes(open.limits)).toBe(open.mqtt.maxPacketBytes);
    expect(parseConfig({ mqtt: { maxPacketBytes: 5000 } }).mqtt.maxPacketBytes).toBe(5000);
  });

  test("sizes a frame for the largest payload in base64 and 8 KiB beside it", () => {
    expect(maxCommandBytes(1_048_576)).toBe(1_398_102 + 8_192);
  });
});
