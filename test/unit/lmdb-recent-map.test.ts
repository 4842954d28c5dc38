import { expect, test } from "vitest";
import { RecentMap } from "../../src/store/lmdb/recent-map.ts";

test("a cache whose entries are used again and again stays within its two generations", () => {
  const map = new RecentMap<number, string>(10);
  const keys = Array.from({ length: 100 }, (_, key) => key);
  let most = 0;
  for (const key of keys) {
    for (const each of keys.slice(0, key)) map.get(each, (value) => value.length);
    map.set(key, "12345", 5);
    most = Math.max(most, keys.filter((each) => map.has(each)).length);
  }
  expect(most).toBeLessThanOrEqual(4);
});
