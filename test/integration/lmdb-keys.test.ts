import { describe, expect, test } from "vitest";
import { StoreError } from "../../src/bus/store-port.ts";
import { encodeKey, keyOf } from "../../src/store/lmdb/key-record.ts";
import { LmdbKeys } from "../../src/store/lmdb/lmdb-keys.ts";
import { RecordWriter } from "../../src/store/lmdb/record-writer.ts";
import { makeDirectory, openLmdb } from "../support/lmdb-kit.ts";

async function open() {
  const directory = await makeDirectory();
  const kit = openLmdb(directory);
  const reopen = async (): Promise<LmdbKeys> => {
    await kit.close();
    const { environment, queue } = openLmdb(directory);
    return new LmdbKeys(environment, queue);
  };
  return { ...kit, keys: new LmdbKeys(kit.environment, kit.queue), reopen };
}

function stored(key: string, startedAt: number, scope = "user:a") {
  return { scope, key, digest: "5-abc-def", offset: 1_000 - Math.floor(startedAt), startedAt };
}

describe("idempotency keys in lmdb", () => {
  test("the next process has every key, the oldest first", async () => {
    const { keys, reopen } = await open();
    const all = [stored("k", 3), stored("k", 1, "user:b"), stored("é", 2.5), stored("j", 2)];
    for (const each of all) keys.put(each);
    const restored = [...(await reopen()).restore()];
    expect(restored).toEqual([all[1], all[3], all[2], all[0]]);
  });

  test("a deleted key is gone, and no other with it", async () => {
    const { keys, flushed, reopen } = await open();
    keys.put(stored("bc", 1, "a"));
    keys.put(stored("c", 2, "ab"));
    await flushed();
    keys.delete("a", "bc");
    expect([...(await reopen()).restore()]).toEqual([stored("c", 2, "ab")]);
  });

  test("a key put again replaces the one before", async () => {
    const { keys, reopen } = await open();
    keys.put(stored("k", 1));
    keys.put(stored("k", 9));
    expect([...(await reopen()).restore()]).toEqual([stored("k", 9)]);
  });

  test.each([
    ["is cut off", keyOf("user:a", "k"), Buffer.of(9, 9)],
    [
      "stands under the key of another",
      keyOf("user:b", "k"),
      encodeKey(new RecordWriter(), stored("k", 1)),
    ],
  ])("a damaged record is told, not passed over: it %s", async (_fault, key, value) => {
    const { environment, keys } = await open();
    await environment.commit([{ table: "keys", key, value }]);
    expect(() => [...keys.restore()]).toThrow(StoreError);
  });
});
