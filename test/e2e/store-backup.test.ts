import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readLogAndGaps } from "../support/fault/log-reading.ts";
import { GatewayProcess } from "../support/gateway-process.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

let folder: string;
const processes: GatewayProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tributary-backup-"));
});

afterEach(async () => {
  for (const gateway of processes.splice(0)) await gateway.stop();
  await rm(folder, { recursive: true });
});

async function start(name: string): Promise<GatewayProcess> {
  const gateway = await GatewayProcess.start([], ["--data-dir", join(folder, name)]);
  processes.push(gateway);
  return gateway;
}

async function post(gateway: GatewayProcess, payload: string): Promise<void> {
  const url = `${gateway.urls.http}/v1/topics/backup`;
  const { status } = await fetch(url, { method: "POST", body: payload });
  expect(status).toBe(202);
}

/** The script of the README's command, for these directories. */
async function backupScript(): Promise<string> {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const [, script] = /mkdir copy && node -e '([^']+)'/.exec(readme) ?? [];
  if (script === undefined) throw new Error("the README has no command for a backup");
  return script
    .replace('"data"', JSON.stringify(join(folder, "data")))
    .replace('"copy"', JSON.stringify(join(folder, "copy")));
}

test("the README's copy of a directory in use is whole, disturbs nobody, and can be started from", async () => {
  const gateway = await start("data");
  for (const payload of ["1", "2", "3"]) await post(gateway, payload);
  await mkdir(join(folder, "copy"));
  const script = await backupScript();
  await promisify(execFile)(process.execPath, ["-e", script], { cwd: ROOT });
  await post(gateway, "4");
  const copy = await start("copy");
  const { entries, gaps } = await readLogAndGaps(copy.urls, "backup");
  expect(gaps).toEqual([]);
  expect(entries.map(({ payload }) => payload)).toEqual(["1", "2", "3"]);
});
