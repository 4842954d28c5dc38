import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { presentComparison } from "../../src/cli/compare-output.ts";
import type { CliHost, Output } from "../../src/cli/host.ts";
import { LedgerError } from "../../src/compare/ledger.ts";
import { syntheticComparison } from "../support/synthetic-comparison.ts";

/** What was printed, and a host that prints there. */
function recordingHost(): { printed: string[]; host: CliHost } {
  const printed: string[] = [];
  const out: Output = {
    write: (data) => printed.push(String(data)),
    isTerminal: false,
    onClosed: () => undefined,
  };
  const ignore = () => () => undefined;
  const host: CliHost = {
    out,
    err: out,
    input: Readable.from([]),
    env: {},
    onEndSignal: ignore,
    onReloadSignal: ignore,
    onLogLevelSignal: ignore,
    onDefect: ignore,
    exitCode: 0,
  };
  return { printed, host };
}

test("a result that stands exits with 0, a void one with 3", async () => {
  const { host } = recordingHost();
  expect(await presentComparison(syntheticComparison(), {}, host)).toBe(0);
  expect(await presentComparison(syntheticComparison({ isVoid: () => true }), {}, host)).toBe(3);
});

test("a baseline measured under other conditions is refused after the result was printed", async () => {
  const { printed, host } = recordingHost();
  const baseline = syntheticComparison({ facts: { kernel: "linux 5.10" } });
  await expect(presentComparison(syntheticComparison(), { baseline }, host)).rejects.toThrow(
    LedgerError,
  );
  expect(printed.join("")).toContain("Published by mqtt-qos1");
});

test("nothing is held against a void run, and a void run against nothing", async () => {
  const broken = syntheticComparison({ isVoid: () => true });
  const { printed, host } = recordingHost();
  expect(await presentComparison(syntheticComparison(), { baseline: broken }, host)).toBe(0);
  expect(await presentComparison(broken, { baseline: syntheticComparison() }, host)).toBe(3);
  expect(printed.filter((text) => text.includes("is not held against a baseline"))).toHaveLength(2);
  expect(printed.join("")).not.toContain("Since the baseline");
});
