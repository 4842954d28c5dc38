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

/** What is tested of MQTT below the gateway runs for aedes in its own project, and here for native. */
const nativeEngine = {
  extends: true as const,
  test: {
    name: "native",
    include: ["test/{conformance,integration}/mqtt-*.test.ts"],
    env: { TEST_MQTT_ENGINE: "native" },
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
};

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
      nativeEngine,
    ],
  },
});
