import { defineConfig } from "vitest/config";

/** What is too long for every change: run by `npm run soak` before a release. */
// biome-ignore lint/style/noDefaultExport: vitest reads its settings from the default export.
export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 1,
    include: [
      "test/soak/**/*.test.ts",
      "test/security/random-bytes.test.ts",
      "test/security/mqtt-fuzz.test.ts",
      "test/fault/kill.test.ts",
      "test/fault/power-cut.test.ts",
      "test/fault/disk-faults.test.ts",
    ],
    env: {
      TEST_FUZZ_MS: process.env.TEST_FUZZ_MS ?? "60000",
      TEST_FAULT_ROUNDS: process.env.TEST_FAULT_ROUNDS ?? "1000",
      TEST_FAULT_IMAGES: process.env.TEST_FAULT_IMAGES ?? "200",
      TEST_FAULT_DAMAGES: process.env.TEST_FAULT_DAMAGES ?? "200",
    },
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
});
