import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closedPort } from "../support/closed-port.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { runTributary } from "../support/tributary.ts";

const MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
const PUBLISHERS = ["mqtt", "mqtt-ws", "websocket", "websocket-binary", "http", "tcp"] as const;
const READERS = ["mqtt", "mqtt-ws", "websocket", "websocket-binary", "sse", "poll", "tcp"] as const;

let gateway: GatewayProcess;
let directory: string;

beforeAll(async () => {
  gateway = await GatewayProcess.start();
  directory = await mkdtemp(join(tmpdir(), "tributary-pub-sub-"));
});

afterAll(async () => {
  await gateway.stop();
  await rm(directory, { recursive: true, force: true });
});

/** The options that lead to the gateway by one transport. */
function by(via: string): string[] {
  const { http, mqtt, tcp } = gateway.urls;
  const port = via === "mqtt" ? new URL(mqtt).port : via === "tcp" ? tcp.port : new URL(http).port;
  return ["--via", via, "-p", String(port)];
}

/** A running `sub` and what it has printed. */
class Sub {
  readonly child: ChildProcess;
  out = Buffer.alloc(0);
  err = "";

  private constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [MAIN, "sub", "-d", ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.stdout?.on("data", (chunk: Buffer) => {
      this.out = Buffer.concat([this.out, chunk]);
    });
  }

  /** Resolves when what is published from now on will be printed. */
  static async open(args: readonly string[]): Promise<Sub> {
    const sub = new Sub(args);
    await new Promise<void>((resolve, reject) => {
      sub.child.stderr?.on("data", (chunk: Buffer) => {
        sub.err += chunk.toString();
        if (sub.err.includes("reading ")) resolve();
      });
      sub.child.once("close", () => reject(new Error(`sub ended: ${sub.err}`)));
    });
    return sub;
  }

  async exit(): Promise<number | null> {
    if (this.child.exitCode === null) await once(this.child, "close");
    return this.child.exitCode;
  }
}

/** Runs `pub` with something on its standard input. */
async function pubWithInput(
  input: string | Buffer,
  args: readonly string[],
): Promise<number | null> {
  const child = spawn(process.execPath, [MAIN, "pub", ...args], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  child.stdin?.end(input);
  await once(child, "close");
  return child.exitCode;
}

describe("every transport", () => {
  test("delivers what any transport published, bytes exact", async () => {
    const payload = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const file = join(directory, "all-bytes");
    await writeFile(file, payload);
    const count = String(PUBLISHERS.length);
    const subs = await Promise.all(
      READERS.map((via) => Sub.open([...by(via), "-t", "pair/+", "-N", "-C", count])),
    );
    for (const via of PUBLISHERS) {
      const { code, err } = await runTributary([
        "pub",
        ...by(via),
        "-t",
        `pair/${via}`,
        "-f",
        file,
      ]);
      expect(err).toBe("");
      expect(code).toBe(0);
    }
    const expected = Buffer.concat(PUBLISHERS.map(() => payload));
    for (const sub of subs) {
      expect(await sub.exit()).toBe(0);
      expect(sub.out.equals(expected)).toBe(true);
    }
  });

  test.each(["http", "websocket", "websocket-binary", "tcp"])(
    "pub by %s carries user properties, in order, repeated names and all",
    async (via) => {
      const topic = `properties/${via}`;
      const sub = await Sub.open([...by("poll"), "-t", topic, "-C", "2", "--json"]);
      const pub = ["pub", ...by(via), "-q", "1", "-t", topic, "-m", "x"];
      const one = ["--user-property", "unit=°C"];
      const more = ["--user-property", "a=b=c", "--user-property", "unit="];
      for (const properties of [one, [...one, ...more]]) {
        expect(await runTributary([...pub, ...properties])).toMatchObject({ code: 0, err: "" });
      }
      expect(await sub.exit()).toBe(0);
      const lines = sub.out.toString().trimEnd().split("\n");
      const told = lines.map(
        (line) => (JSON.parse(line) as { userProperties: unknown }).userProperties,
      );
      const unit = ["unit", "°C"];
      expect(told).toEqual([[unit], [unit, ["a", "b=c"], ["unit", ""]]]);
    },
  );

  test.each([
    ["--via mqtt --user-property a=b", "MQTT 3.1.1 has no user properties"],
    ["--via mqtt-ws --user-property a=b", "MQTT 3.1.1 has no user properties"],
    ["--via http --user-property a", "a name, an equals sign and a value"],
    ["--via http --user-property =b", "a name, an equals sign and a value"],
  ])("pub %s is refused before anything is sent", async (options, why) => {
    const { code, err } = await runTributary(["pub", "-t", "a", "-m", "x", ...options.split(" ")]);
    expect(code).toBe(64);
    expect(err).toContain(why);
  });

  test.each(PUBLISHERS)("pub by %s says why a message was refused", async (via) => {
    const { code, err } = await runTributary([
      "pub",
      ...by(via),
      "-q",
      "1",
      "-t",
      "$SYS/x",
      "-m",
      "x",
    ]);
    expect(code).toBe(1);
    expect(err).toMatch(/refused/);
  });

  test.each(["mqtt", "websocket", "http", "tcp"])(
    "pub by %s says what to do without a gateway",
    async (via) => {
      const { code, err } = await runTributary([
        "pub",
        "--via",
        via,
        "-p",
        String(await closedPort()),
        "-t",
        "x",
        "-m",
        "x",
      ]);
      expect(code).toBe(1);
      expect(err).toMatch(/Is the gateway running\? Start it with: npm start/);
    },
  );

  test.each(["mqtt", "websocket", "sse", "poll", "tcp"])(
    "sub by %s refuses a bad filter",
    async (via) => {
      const { code, err } = await runTributary(["sub", ...by(via), "-t", "a#", "-C", "1"]);
      expect(code).toBe(1);
      expect(err).toContain("invalid_filter");
    },
  );
});

describe("pub", () => {
  test("-l publishes each line, in order", async () => {
    const sub = await Sub.open([...by("tcp"), "-t", "lines", "-C", "500"]);
    const lines = Array.from({ length: 500 }, (_, index) => `line ${index}`);
    expect(
      await pubWithInput(lines.join("\n"), [...by("websocket"), "-q", "1", "-t", "lines", "-l"]),
    ).toBe(0);
    expect(await sub.exit()).toBe(0);
    expect(sub.out.toString()).toBe(`${lines.join("\n")}\n`);
  });

  test("-s publishes the whole standard input as one message", async () => {
    const sub = await Sub.open([...by("sse"), "-t", "whole", "-C", "1", "-F", "%l %x"]);
    const input = Buffer.from("a\nb\r\n\0");
    expect(await pubWithInput(input, [...by("http"), "-t", "whole", "-s"])).toBe(0);
    expect(await sub.exit()).toBe(0);
    expect(sub.out.toString()).toBe(`${input.length} ${input.toString("hex")}\n`);
  });

  test("-r keeps a message for later readers, -n -r clears it", async () => {
    await runTributary(["pub", ...by("mqtt"), "-t", "kept/a", "-m", "old", "-r"]);
    await runTributary(["pub", ...by("mqtt"), "-t", "kept/b", "-m", "b", "-r"]);
    const read = () =>
      runTributary(["sub", ...by("websocket"), "-t", "kept/#", "-C", "1", "-F", "%t %p %r"]);
    await runTributary(["pub", ...by("tcp"), "-t", "kept/a", "-n", "-r", "-q", "1"]);
    expect(await read()).toMatchObject({ code: 0, out: "kept/b b 1\n" });
  });
});

describe("sub", () => {
  test("--json prints one object a line, with the cursor to resume from", async () => {
    const sub = await Sub.open([...by("poll"), "-t", "json/#", "-C", "2", "--json"]);
    await runTributary(["pub", ...by("http"), "-t", "json/1", "-m", "grüße"]);
    await runTributary(["pub", ...by("http"), "-t", "json/2", "-m", "second"]);
    expect(await sub.exit()).toBe(0);
    const [first] = sub.out
      .toString()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(first).toMatchObject({
      topic: "json/1",
      payload: "grüße",
      encoding: "utf8",
      ingress: "http",
    });
    const resumed = ["sub", ...by("sse"), "-t", "json/#", "--cursor", first.cursor, "-C", "1"];
    expect(await runTributary(resumed)).toMatchObject({ code: 0, out: "second\n" });
  });

  test("--from earliest begins with what the log still keeps", async () => {
    await runTributary(["pub", ...by("http"), "-t", "past/1", "-m", "before"]);
    for (const via of ["websocket", "tcp", "sse", "poll"]) {
      const args = ["sub", ...by(via), "-t", "past/#", "--from", "earliest", "-C", "1", "-v"];
      expect(await runTributary(args)).toMatchObject({ code: 0, out: "past/1 before\n" });
    }
  });

  test("-W ends with 27 when nothing came", async () => {
    const args = ["sub", ...by("websocket"), "-t", "silent", "-W", "0.2"];
    expect(await runTributary(args)).toMatchObject({ code: 27, out: "" });
  });

  test("ends in peace when nobody reads its output any more", async () => {
    const sub = await Sub.open([...by("tcp"), "-t", "pipe"]);
    sub.child.stdout?.destroy();
    await pubWithInput("a\n".repeat(200), [...by("tcp"), "-q", "1", "-t", "pipe", "-l"]);
    expect(await sub.exit()).toBe(0);
  });

  test("Ctrl-C ends it with 130", async () => {
    const sub = await Sub.open([...by("sse"), "-t", "x"]);
    sub.child.kill("SIGINT");
    expect(await sub.exit()).toBe(130);
  });
});
