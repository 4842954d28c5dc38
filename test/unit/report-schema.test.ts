import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { reportSchema } from "../../src/compare/report/report-schema.ts";
import { syntheticComparison, syntheticCost } from "../support/synthetic-comparison.ts";

const FILE = fileURLToPath(new URL("../../docs/report.schema.json", import.meta.url));

function published(): unknown {
  return JSON.parse(readFileSync(FILE, "utf8"));
}

function check(report: unknown): string[] {
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  const validate = ajv.compile(published() as object);
  validate(JSON.parse(JSON.stringify(report)));
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

test("the published schema of a report is that of the code", () => {
  const current = `${JSON.stringify(reportSchema(), null, 2)}\n`;
  if (process.env.UPDATE_DOCS === "1") writeFileSync(FILE, current);
  else expect(readFileSync(FILE, "utf8"), "run `npm run docs`").toBe(current);
});

test("a report, with costs and without, is valid by the published schema", () => {
  expect(check(syntheticComparison())).toEqual([]);
  expect(check(syntheticComparison({ cost: syntheticCost }))).toEqual([]);
  const sweep = { ratePerSecond: [50, 100], ingress: ["http"], windowSeconds: 1 };
  expect(check(syntheticComparison({ plan: sweep, isVoid: () => true }))).toEqual([]);
});

test("a report holds its raw histograms, ledger and seed", () => {
  const result = syntheticComparison();
  expect(check({ ...result, plan: { ...result.plan, seed: undefined } })).not.toEqual([]);
  const [point] = result.points;
  const [pair] = point?.pairs ?? [];
  const bare = { ...pair, latency: { ...pair?.latency, histogram: undefined } };
  expect(check({ ...result, points: [{ ...point, pairs: [bare] }] })).toContainEqual(
    expect.stringContaining("histogram"),
  );
  expect(check({ ...result, points: [{ ...point, ledger: undefined }] })).toContainEqual(
    expect.stringContaining("ledger"),
  );
});
