import { defineConfig } from "vitest/config";

const cores = 2;

function project(name: string, testTimeout: number) {
  return {
    extends: true as const,
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      testTimeout,
      hookTimeout: testTimeout,
    },
  };
}

// biome-ignore lint/style/noDefaultExport: vitest reads its settings from the default export.
export default defineConfig({
  test: {
    maxWorkers: cores,
    pool: "forks",
    projects: [
      project("unit", 10_000),
      project("property", 60_000),
      project("integration", 30_000),
      project("conformance", 30_000),
      project("e2e", 60_000),
      project("fault", 120_000),
      project("security", 60_000),
    ],
  },
});
