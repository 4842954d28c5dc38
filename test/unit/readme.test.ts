import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { withTables } from "../support/readme-tables.ts";

const README = fileURLToPath(new URL("../../README.md", import.meta.url));

test("the parts of the README that repeat the code say what the code says", () => {
  const written = readFileSync(README, "utf8");
  const current = withTables(written);
  if (process.env.UPDATE_DOCS === "1") writeFileSync(README, current);
  else expect(written, "run `npm run docs`").toBe(current);
});

test("every path the README links to exists", () => {
  const readme = readFileSync(README, "utf8");
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] ?? "");
  expect(links.length).toBeGreaterThan(0);
  for (const link of links) {
    const path = fileURLToPath(new URL(`../../${link}`, import.meta.url));
    expect(() => readFileSync(path), link).not.toThrow();
  }
});
