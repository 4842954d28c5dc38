import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { StoreError } from "../../src/bus/store-port.ts";
import { lockDirectory } from "../../src/store/lmdb/directory-lock.ts";
import { makeDirectory } from "../support/lmdb-kit.ts";

const BUILT = new URL("../../dist/store/lmdb/directory-lock.js", import.meta.url).href;

/** Takes the lock, says what came of it, and stays until it is killed. */
const PROGRAM = `
  const { lockDirectory } = await import(${JSON.stringify(BUILT)});
  try {
    globalThis.lock = await lockDirectory(process.argv[1]);
    console.log("locked");
    setInterval(() => {}, 1e6);
  } catch (error) {
    console.log(error.name + ": " + error.message);
  }
`;

/** Another process that has tried to take the directory, and its one line. */
async function contender(directory: string): Promise<{ child: ChildProcess; says: string }> {
  const args = ["--input-type=module", "-e", PROGRAM, directory];
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const [line]: unknown[] = await once(child.stdout, "data");
  return { child, says: String(line).trim() };
}

describe("lock of the store's directory, between processes", () => {
  test("a second process is refused with the pid of the first", async () => {
    const directory = await makeDirectory();
    const first = await contender(directory);
    expect(first.says).toBe("locked");
    const second = await contender(directory);
    expect(second.says).toContain("StoreError");
    expect(second.says).toContain(`pid ${first.child.pid}`);
    await expect(lockDirectory(directory)).rejects.toThrow(StoreError);
  });

  test("kill -9 releases it, and the next process takes it at once", async () => {
    const directory = await makeDirectory();
    const first = await contender(directory);
    expect(first.says).toBe("locked");
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    const second = await contender(directory);
    expect(second.says).toBe("locked");
  });
});
