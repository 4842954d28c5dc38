import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { requireTool } from "../support/tools.ts";

const UNIT = fileURLToPath(new URL("../../config/tributary.service", import.meta.url));
const text = readFileSync(UNIT, "utf8");

/** What a setting of the unit is given, in order. */
function values(name: string): readonly string[] {
  return [...text.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value = ""]) => value);
}

function analyze(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
  return { status, said: stdout + stderr };
}

describe.skipIf(requireTool("systemd-analyze"))("systemd-analyze", () => {
  test("finds nothing wrong with the unit", () => {
    // Verified are also the programs it names; Node is wherever these tests run.
    const folder = mkdtempSync(join(tmpdir(), "tributary-unit-"));
    const unit = join(folder, "tributary.service");
    writeFileSync(unit, text.replace("=/usr/bin/node ", `=${process.execPath} `));
    expect(analyze("verify", "--man=no", unit)).toEqual({ status: 0, said: "" });
    rmSync(folder, { recursive: true });
  });

  test("rates its exposure below 2 of 10", () => {
    expect(analyze("security", "--offline=true", "--threshold=20", UNIT)).toMatchObject({
      status: 0,
    });
  });
});

test("it has more time to end than the gateway takes to drain by default", () => {
  const { drain } = parseConfig({});
  expect(Number(values("TimeoutStopSec")[0]) * 1_000).toBeGreaterThan(drain.timeoutMs);
  expect(values("KillSignal")).toEqual(["SIGTERM"]);
});

test("it starts again after a failure, but not with settings that are refused", () => {
  expect(values("Restart")).toEqual(["on-failure"]);
  expect(values("RestartPreventExitStatus")).toEqual(["78"]);
});

test("it may write where it tells the gateway to, and nowhere else", () => {
  expect(values("ProtectSystem")).toEqual(["strict"]);
  expect(values("StateDirectory")).toEqual(["tributary"]);
  expect(values("Environment")).toContain("TRIBUTARY_STORE_DATA_DIR=/var/lib/tributary");
  expect(values("ReadWritePaths")).toEqual([]);
});

test("it has descriptors for every connection the settings allow", () => {
  const { http, mqtt, tcp } = parseConfig({});
  const connections = http.maxConnections + mqtt.maxConnections + tcp.maxConnections;
  expect(Number(values("LimitNOFILE")[0])).toBeGreaterThan(connections);
});
