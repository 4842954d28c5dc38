import { chmod, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { StoreError } from "../../src/bus/store-port.ts";
import { lockDirectory } from "../../src/store/lmdb/directory-lock.ts";
import { makeDirectory } from "../support/lmdb-kit.ts";

async function refusalOf(directory: string): Promise<string> {
  const refusal: unknown = await lockDirectory(directory).then(
    (lock) => lock.release(),
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(StoreError);
  return refusal instanceof StoreError ? refusal.message : "";
}

describe("lock of the store's directory", () => {
  test("makes a directory that only its owner may look into", async () => {
    const directory = join(await makeDirectory(), "new", "data");
    const lock = await lockDirectory(directory);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect(await readFile(join(directory, "tributary.lock"), "utf8")).toBe(`${process.pid}\n`);
    await lock.release();
  });

  test("refuses whoever comes second, and names who was first", async () => {
    const directory = await makeDirectory();
    const lock = await lockDirectory(directory);
    expect(await refusalOf(directory)).toContain(`pid ${process.pid}`);
    await lock.release();
    await lock.release();
    await (await lockDirectory(directory)).release();
  });

  test("does not need to know who was first", async () => {
    const directory = await makeDirectory();
    const lock = await lockDirectory(directory);
    await writeFile(join(directory, "tributary.lock"), "\0damaged");
    expect(await refusalOf(directory)).toContain("another process");
    await lock.release();
  });

  test("what an earlier process left in the file does not matter", async () => {
    const directory = await makeDirectory();
    await writeFile(join(directory, "tributary.lock"), "123456789\nand more\n");
    const lock = await lockDirectory(directory);
    expect(await refusalOf(directory)).toContain(`pid ${process.pid};`.slice(0, -1));
    await lock.release();
  });

  test("works where the path is longer than the name of a socket may be", async () => {
    const directory = join(
      await makeDirectory(),
      ...Array.from({ length: 15 }, () => "d".repeat(200)),
    );
    const lock = await lockDirectory(directory);
    expect(await refusalOf(directory)).toContain("in use");
    await lock.release();
  });

  test("says why a directory cannot be used", async () => {
    const directory = await makeDirectory();
    await writeFile(join(directory, "file"), "");
    expect(await refusalOf(join(directory, "file"))).toContain("a file has its name");
    expect(await refusalOf(join(directory, "file", "below"))).toContain("is a file");
    expect(
      await refusalOf(join(directory, ...Array.from({ length: 30 }, () => "d".repeat(200)))),
    ).toContain("too long");
  });

  test("does not follow a link somebody put in the lock's place", async () => {
    const directory = await makeDirectory();
    await writeFile(join(directory, "victim"), "precious");
    await mkdir(join(directory, "data"));
    await symlink(join(directory, "victim"), join(directory, "data", "tributary.lock"));
    expect(await refusalOf(join(directory, "data"))).toContain("symbolic link");
    expect(await readFile(join(directory, "victim"), "utf8")).toBe("precious");
  });

  test.skipIf(process.getuid?.() === 0)(
    "says that a directory cannot be written (a mode forbids the superuser nothing)",
    async () => {
      const directory = await makeDirectory();
      await chmod(directory, 0o500);
      onTestFinished(() => chmod(directory, 0o700));
      expect(await refusalOf(directory)).toContain("may not write");
    },
  );

  // Even the superuser makes no files there.
  test.runIf(process.platform === "linux")(
    "says that a system's directory cannot be used",
    async () => {
      expect(await refusalOf("/proc/tributary-store")).toContain(
        "/proc/tributary-store cannot be used",
      );
    },
  );
});
