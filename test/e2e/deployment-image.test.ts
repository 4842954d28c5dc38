import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { execForm, only, readDockerfile, type Stage } from "../support/dockerfile.ts";
import { checkedFetch } from "../support/documents/checked-fetch.ts";
import { installAll, installProduction, layOut } from "../support/image-layout.ts";

/**
 * What the image holds, laid out in a folder and run as the image runs it. There is no container
 * engine here: the base image, the user and the read-only root are not part of this.
 */
const stages = readDockerfile(fileURLToPath(new URL("../../Dockerfile", import.meta.url)));

let folder = "";
let app = "";
let gateway: ChildProcess | undefined;
let ended: Promise<unknown[]>;
const ports = new Map<unknown, number>();

function stage(index: number): Stage {
  const found = stages[index];
  if (found === undefined) throw new Error(`the Dockerfile has no stage ${index}`);
  return found;
}

/** The container's command with the folder for /app and this Node for its own. */
function command(words: readonly string[]): readonly [string, readonly string[]] {
  const [program, ...args] = words.map((word) => word.replace(/^\/app\b/, app));
  expect(program).toBe("node");
  return [process.execPath, ["--preserve-symlinks", "--preserve-symlinks-main", ...args]];
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tributary-image-"));
  app = join(folder, "app");
  const build = join(folder, "build");
  layOut(stage(0), build);
  installAll(build);
  const built = spawnSync("npm", ["run", "build"], { cwd: build, encoding: "utf8" });
  expect(built.stderr + built.stdout).not.toContain("error");
  layOut(stage(1), app, new Map([["build", { folder: build, workdir: "/build" }]]));
  installProduction(app);
  const [program, args] = command([
    ...execForm(only(stage(1), "ENTRYPOINT")),
    ...execForm(only(stage(1), "CMD")),
  ]);
  // Free ports of the loopback interface and a folder of the test in the place of the image's own.
  const env: Record<string, string> = Object.fromEntries(
    ["HTTP", "MQTT", "TCP"].flatMap((name) => [
      [`TRIBUTARY_${name}_HOST`, "127.0.0.1"],
      [`TRIBUTARY_${name}_PORT`, "0"],
    ]),
  );
  env.TRIBUTARY_STORE_DATA_DIR = join(folder, "data");
  const child = spawn(program, args, { cwd: app, env, stdio: ["ignore", "pipe", "inherit"] });
  gateway = child;
  ended = once(child, "exit");
  if (child.stdout === null) throw new Error("the process has no output");
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== "object" || entry === null || !("port" in entry)) continue;
    if ("transport" in entry) ports.set(entry.transport, Number(entry.port));
    if (ports.size === 3) break;
  }
  child.stdout.resume();
});

afterAll(async () => {
  gateway?.kill("SIGKILL");
  await ended;
  rmSync(folder, { recursive: true });
});

async function healthCheck(): Promise<number | null> {
  const [, words = ""] = /CMD\s+(\[.*)$/.exec(only(stage(1), "HEALTHCHECK")) ?? [];
  const [program, args] = command(execForm(words));
  const env = { TRIBUTARY_HTTP_PORT: String(ports.get("http")) };
  const [code] = await once(spawn(program, args, { env, stdio: "ignore" }), "exit");
  return code;
}

test("serves with nothing but production packages beside it", async () => {
  const answer = await checkedFetch(`http://127.0.0.1:${ports.get("http")}/v1/topics/image`, {
    method: "POST",
    body: "x",
  });
  expect(answer.status).toBe(202);
});

test("the health check passes while the gateway is ready", async () => {
  await expect(healthCheck()).resolves.toBe(0);
});

test("nothing is written beside the program", () => {
  expect(readdirSync(app).sort()).toEqual([
    ".npmrc",
    "LICENSE",
    "config",
    "dist",
    "node_modules",
    "package-lock.json",
    "package.json",
  ]);
});

test("the stop signal ends it with code 0, and then the health check fails", async () => {
  expect(only(stage(1), "STOPSIGNAL")).toBe("SIGTERM");
  gateway?.kill("SIGTERM");
  expect((await ended)[0]).toBe(0);
  await expect(healthCheck()).resolves.toBe(1);
});
