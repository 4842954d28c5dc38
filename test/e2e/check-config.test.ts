import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runTributary } from "../support/tributary.ts";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tributary-check-config-"));
});

afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

describe("tributary check-config", () => {
  test("prints the settings in effect and where they come from", async () => {
    const path = await file("site.yaml", "http:\n  port: 9000\n");
    const { code, out, err } = await runTributary(
      ["check-config", "--config", path, "--mqtt-port", "0", "--set", "drain.timeoutMs=5"],
      { TRIBUTARY_HTTP_POLL_MAX_HOLD_MS: "50000" },
    );
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain(`  port: 9000 # from ${path}:2\n`);
    expect(out).toContain("  port: 0 # from --mqtt-port\n");
    expect(out).toContain("    maxHoldMs: 50000 # from TRIBUTARY_HTTP_POLL_MAX_HOLD_MS\n");
    expect(out).toContain("  timeoutMs: 5 # from --set\n");
  });

  test("what it prints can be given back to it", async () => {
    const first = await runTributary(["check-config", "--annotate", "--http-port", "1"]);
    const path = await file("printed.yaml", first.out);
    const second = await runTributary(["check-config", "--config", path]);
    expect(second.code).toBe(0);
    expect(withoutComments(second.out)).toBe(withoutComments(first.out));
  });

  test("lists every problem and exits 78", async () => {
    const path = await file("bad.yaml", "http:\n  prot: 1\nstore:\n  kind: disk\n");
    const { code, out, err } = await runTributary(
      ["check-config", "--config", path, "--mqtt-port", "x"],
      { TRIBUTARY_HTTP_PORT: "70000" },
    );
    expect({ code, out }).toEqual({ code: 78, out: "" });
    expect(err).toBe(`tributary: 4 problems with the settings
  http.prot (from ${path}:2): no such setting; did you mean http.port?
  store.kind (from ${path}:4): "disk" is not one of memory, lmdb
  http.port (from TRIBUTARY_HTTP_PORT): 70000 is over the maximum 65535
  mqtt.port (from --mqtt-port): "x" is not a whole number
`);
  });

  test("names the line of a syntax error", async () => {
    const path = await file("syntax.yaml", 'http:\n  host: "127.0.0.1\n');
    const { code, err } = await runTributary(["check-config", "--config", path]);
    expect(code).toBe(78);
    expect(err).toContain(`${path}:`);
  });

  test("--defaults prints every setting with its meaning and reads nothing", async () => {
    const { code, out } = await runTributary(["check-config", "--defaults"], {
      TRIBUTARY_HTTP_PORT: "x",
    });
    expect(code).toBe(0);
    expect(out).toContain("  # Port of MQTT over TCP; 0 takes any free port.\n");
    expect(out).toContain("  # (whole number, 0…65535; TRIBUTARY_MQTT_PORT)\n  port: 1883\n");
  });

  test("--explain says what access control allows", async () => {
    const { code, out } = await runTributary(["check-config", "--explain", "ann", "plant/1"]);
    expect(code).toBe(0);
    expect(out).toContain('"ann" may publish to plant/1\n"ann" may subscribe to plant/1\n');
    const reserved = await runTributary(["check-config", "--explain", "ann", "$SYS/x"]);
    expect(reserved.out).toContain('"ann" may not publish to $SYS/x');
  });

  test.each([[["ann"]], [["ann", "a", "b"]], [["ann", "a/#"]]])(
    "--explain %j is refused",
    async (words) => {
      const { code, err } = await runTributary(["check-config", "--explain", ...words]);
      expect(code).toBe(78);
      expect(err).toContain("--explain");
    },
  );
});

describe("tributary", () => {
  test("--help teaches by example", async () => {
    const { code, out } = await runTributary(["--help"]);
    expect(code).toBe(0);
    expect(out).toContain("Examples:\n  tributary serve");
    expect(out).toContain("check-config");
  });

  test("--version prints the package's version", async () => {
    const { code, out } = await runTributary(["--version"]);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  test.each([[["swim"]], [["check-config", "--nonsense"]], [["check-config", "stray"]], [[]]])(
    "the command line %j is wrong: help on standard error, exit 64",
    async (args) => {
      const { code, out, err } = await runTributary(args);
      expect({ code, out }).toEqual({ code: 64, out: "" });
      expect(err).toContain("--help");
    },
  );
});

function withoutComments(yaml: string): string {
  return yaml.replaceAll(/^ *#.*\n/gm, "").replaceAll(/ #.*$/gm, "");
}
