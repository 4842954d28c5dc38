import { afterEach, describe, expect, test } from "vitest";
import { findUncovered } from "../support/fault/acknowledgement-trace.ts";
import { runCampaign } from "../support/fault/campaign.ts";
import { buildWith, type Defect, type PatchedBuild } from "../support/fault/patched-build.ts";
import { chooseCuts } from "../support/fault/power-cut.ts";
import { judgeImage, traceRun } from "../support/fault/power-cut-run.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { requireTool } from "../support/tools.ts";

const COMMIT = "this.#flightEnd = this.#options.environment.commit(writes).then(";
const BATCH = "await root.batch(() => {";

const EARLY_ACKNOWLEDGEMENT: Defect = {
  file: "store/lmdb/commit-queue.js",
  find: COMMIT,
  replace: `this.#options.environment.commit(writes).catch(() => undefined);
        this.#flightEnd = Promise.resolve().then(`,
};

const SKIPPED_SYNC: Defect = {
  file: "store/lmdb/lmdb-environment.js",
  find: "overlappingSync: !isFlushed,",
  replace: "overlappingSync: false, noSync: true,",
};

/** What a message changes elsewhere is written before the message, not with it. */
const SWAPPED_WRITES: Defect = {
  file: "store/lmdb/lmdb-environment.js",
  find: BATCH,
  replace: `await root.batch(() => {
            for (const { table, key, value } of writes) {
                if (table === "retained" && value !== null) void this.#table(table).put(key, value);
            }
        });
        ${BATCH}`,
};

const CURSOR_OFF_BY_ONE: Defect = {
  file: "store/lmdb/lmdb-message-log.js",
  find: "return { after: position.offset };",
  replace: "return { after: position.offset + 1 };",
};

const SEED = 1;
const MESSAGES = 100;

describe("the harness catches a gateway that", () => {
  let build: PatchedBuild;

  afterEach(() => build.remove());

  test.skipIf(requireTool("strace"))(
    "acknowledges before the message is durable",
    async () => {
      build = await buildWith([EARLY_ACKNOWLEDGEMENT]);
      const { recording, acknowledged } = await traceRun(SEED, MESSAGES, build.main);
      expect(findUncovered(recording, acknowledged).length).toBeGreaterThan(0);
    },
    60_000,
  );

  test.skipIf(requireTool("strace"))(
    "skips the sync",
    async () => {
      build = await buildWith([SKIPPED_SYNC]);
      const { recording, acknowledged } = await traceRun(SEED, MESSAGES, build.main);
      expect(recording.writes.length).toBeGreaterThan(0);
      expect(findUncovered(recording, acknowledged).length).toBe(acknowledged.length);
    },
    60_000,
  );

  test.skipIf(requireTool("strace"))(
    "writes what belongs together in two steps, the wrong one first",
    async () => {
      build = await buildWith([SWAPPED_WRITES]);
      const run = await traceRun(SEED, MESSAGES, build.main);
      const first = Math.min(...run.acknowledged.map(({ at }) => at));
      const kinds = new Set<string>();
      // The program that reads the image is sound: what it finds was written wrong.
      for (const cut of chooseCuts(run.recording, first, 16, new SeededRandom(SEED))) {
        for (const { kind } of await judgeImage(run, cut, SEED)) kinds.add(kind);
        if (kinds.size > 0) break;
      }
      expect([...kinds]).toContain("stale_retained");
    },
    90_000,
  );

  test("resumes one message after the cursor", async () => {
    build = await buildWith([CURSOR_OFF_BY_ONE]);
    const launch = { main: build.main };
    const plan = { seed: SEED, rounds: 2, ending: "SIGKILL", launch, settleMs: 2_000 } as const;
    const { violations } = await runCampaign(plan);
    expect(violations.map(({ kind }) => kind)).toContain("undelivered");
  }, 60_000);
});
