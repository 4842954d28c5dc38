import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { SKIPS } from "../conformance/statements/skips.ts";
import { isApplicable, parseStatements } from "../conformance/statements/statement.ts";
import {
  CATALOGUES,
  conformanceDocument,
  coverageOf,
  readCoverage,
  uncovered,
  unknown,
} from "../support/mqtt/coverage.ts";

const DOCUMENT = fileURLToPath(new URL("../../docs/mqtt-conformance.md", import.meta.url));

test("docs/mqtt-conformance.md says what the catalogues and the tests say", () => {
  const current = conformanceDocument();
  if (process.env.UPDATE_DOCS === "1") writeFileSync(DOCUMENT, current);
  const written = existsSync(DOCUMENT) ? readFileSync(DOCUMENT, "utf8") : "";
  expect(written, "run `npm run docs`").toBe(current);
});

describe.each(["3.1.1", "5.0"] as const)("MQTT %s", (version) => {
  const statements = CATALOGUES[version];

  test("every statement that binds a server and can be seen has a test", () => {
    expect(uncovered(statements, readCoverage(version))).toEqual([]);
  });

  test("no test names a statement that does not exist", () => {
    expect(unknown(statements, readCoverage(version))).toEqual([]);
  });

  test("the catalogue has as many statements of each chapter as Appendix B", () => {
    const counts: Record<string, number> = {};
    for (const { id } of statements) {
      const chapter = id.slice("MQTT-".length).split(".")[0] ?? "";
      counts[chapter] = (counts[chapter] ?? 0) + 1;
    }
    const appendix = {
      "3.1.1": { 1: 3, 2: 9, 3: 95, 4: 26, 6: 4, 7: 4 },
      "5.0": { 1: 5, 2: 7, 3: 175, 4: 60, 6: 4 },
    };
    expect(counts).toEqual(appendix[version]);
  });
});

test("a title names the statements before its words", () => {
  const source =
    'rule("[MQTT-1.2.3-4] [MQTT-5.6.7-8] x [MQTT-9.9.9-9]");\nrule(`[MQTT-1.2.3-4] $' + "{y}`);";
  expect([...coverageOf([["a", source]])]).toEqual([
    ["MQTT-1.2.3-4", ["a", "a"]],
    ["MQTT-5.6.7-8", ["a"]],
  ]);
});

test("an applicable statement without a test is found, one for clients is not", () => {
  const catalogue = parseStatements(
    "5.0",
    "1.1.1-1 | server | a\n1.1.1-2 | client | b\n1.1.1-3 | both | c",
  );
  expect(uncovered(catalogue, coverageOf([["a", '"[MQTT-1.1.1-3] c"']]))).toEqual(["MQTT-1.1.1-1"]);
  expect(catalogue.filter(isApplicable)).toHaveLength(2);
});

test.each([
  ["an id that is none", "1.1-1 | server | a"],
  ["an unknown binding", "1.1.1-1 | nobody | a"],
  ["no words", "1.1.1-1 | server"],
  ["a statement twice", "1.1.1-1 | server | a\n1.1.1-1 | server | b"],
  ["nothing to observe, and no reason", "1.1.1-1 | not observable | a"],
  ["a reason where something is to be observed", "1.1.1-1 | server | a | why"],
])("a catalogue with %s is refused", (_what, text) => {
  expect(() => parseStatements("5.0", text)).toThrow("5.0");
});

test("every excuse has a reason and is for a statement of the catalogue", () => {
  for (const { version, title, reason } of SKIPS) {
    expect(reason).not.toBe("");
    for (const [, id = ""] of (title ?? "").matchAll(/\[(MQTT-[\d.]+-\d+)\]/g)) {
      expect(CATALOGUES[version].map((statement) => statement.id)).toContain(id);
    }
  }
});
