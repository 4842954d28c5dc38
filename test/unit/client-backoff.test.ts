import { expect, test } from "vitest";
import { Backoff } from "../../src/client/backoff.ts";
import { mayReconnect } from "../../src/client/close-code.ts";
import { ERROR_FORMS } from "../../src/errors.ts";

test("waits double up to the bound and are never under half of it", () => {
  const longest = new Backoff({ firstMs: 100, maxMs: 1_000, random: () => 0.999_999 });
  const shortest = new Backoff({ firstMs: 100, maxMs: 1_000, random: () => 0 });
  const waits = (backoff: Backoff) => Array.from({ length: 6 }, () => Math.round(backoff.next()));
  expect(waits(longest)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(waits(shortest)).toEqual([50, 100, 200, 400, 500, 500]);
});

test("a connection that worked makes the next wait short again", () => {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1_000, random: () => 0 });
  backoff.next();
  backoff.next();
  backoff.reset();
  expect(backoff.next()).toBe(50);
});

test("stays finite after thousands of attempts", () => {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1_000, random: () => 0 });
  for (let i = 0; i < 5_000; i += 1) backoff.next();
  expect(backoff.next()).toBe(500);
});

test.each([1001, 1006, 1011, 4429, 4900, 4901])("may reconnect after %i", (code) => {
  expect(mayReconnect(code)).toBe(true);
});

test.each([1000, 1002, 1003, 1007, 1009, 4400, 4401, 4403])(
  "may not reconnect after %i",
  (code) => {
    expect(mayReconnect(code)).toBe(false);
  },
);

test("follows the table of codes: a close may be retried exactly when its code says so", () => {
  for (const { websocketClose, retryable } of Object.values(ERROR_FORMS)) {
    if (websocketClose !== null) expect(mayReconnect(websocketClose)).toBe(retryable);
  }
});
