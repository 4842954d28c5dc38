import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { expect, test } from "vitest";
import {
  LEDGER_FACTORS,
  LedgerError,
  ledgerDifferences,
  orderedLedger,
  requireComparable,
} from "../../src/compare/ledger.ts";
import { hostLedger } from "../../src/compare/ledger-host.ts";
import { DEFAULT_FACTORS } from "../../src/compare/plan-factors.ts";

const LEDGER = orderedLedger({ ...DEFAULT_FACTORS, commit: "a", cores: 2, kernel: "linux 6.1" });

test("a ledger holds every factor in one order, unknown ones included", () => {
  expect(LEDGER.map(({ factor }) => factor)).toEqual(LEDGER_FACTORS);
  expect(LEDGER.find(({ factor }) => factor === "noDelay")?.value).toBe(true);
  expect(LEDGER.find(({ factor }) => factor === "cpuModel")?.value).toBeNull();
});

test("the same conditions may be compared", () => {
  expect(() => requireComparable(LEDGER, JSON.parse(JSON.stringify(LEDGER)), [])).not.toThrow();
});

test("refuses differences that nobody announced, and names each", () => {
  const other = orderedLedger({ ...DEFAULT_FACTORS, noDelay: false, commit: "b", cores: 2 });
  const attempt = (): void => requireComparable(LEDGER, other, ["commit"]);
  expect(attempt).toThrow(LedgerError);
  expect(attempt).toThrow(/noDelay: true → false; kernel: linux 6.1 → null$/);
  expect(() => requireComparable(LEDGER, other, ["commit", "noDelay", "kernel"])).not.toThrow();
});

test("a ledger that lacks a factor differs from one that has it", () => {
  const short = LEDGER.filter(({ factor }) => factor !== "cores");
  expect(ledgerDifferences(short, LEDGER)).toEqual([{ factor: "cores", before: null, after: 2 }]);
});

test("the host's part is filled in and names neither host nor user", async () => {
  const part = await hostLedger();
  const ledger = orderedLedger(part);
  for (const factor of ["nodeVersion", "kernel", "cores", "mqttLibraryVersion"]) {
    expect(ledger.find((entry) => entry.factor === factor)?.value).not.toBeNull();
  }
  const values = ledger.map(({ value }) => value);
  expect(values.filter((value) => String(value).includes(hostname()))).toEqual([]);
  // By equality: a short user name may well be part of another word.
  expect(values).not.toContain(userInfo().username);
});

test.skipIf(!existsSync(".git/HEAD"))(
  "the commit is the one checked out (a linked work tree keeps its history elsewhere)",
  async () => {
    const head = execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8" }).trim();
    expect((await hostLedger()).commit).toBe(head);
  },
);
