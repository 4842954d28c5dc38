import { randomInt } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { findUncovered } from "../support/fault/acknowledgement-trace.ts";
import { chooseCuts } from "../support/fault/power-cut.ts";
import { judgeImage, type TracedRun, traceRun } from "../support/fault/power-cut-run.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { requireTool } from "../support/tools.ts";

const IMAGES = Number(process.env.TEST_FAULT_IMAGES ?? 8);
const MESSAGES = 300;
const SEED = Number(process.env.TEST_FAULT_SEED ?? randomInt(2 ** 31));

const hasNoStrace = requireTool("strace");

describe.skipIf(hasNoStrace)("a gateway under load whose power is cut", () => {
  let run: TracedRun;

  beforeAll(async () => {
    run = await traceRun(SEED, MESSAGES);
  }, 60_000);

  test("had told nobody of a message before the disk had it", () => {
    expect(run.acknowledged.length).toBeGreaterThanOrEqual(MESSAGES);
    expect(findUncovered(run.recording, run.acknowledged).slice(0, 10)).toEqual([]);
  });

  test(
    "has every acknowledged message in the log, retained and on the queues of those away",
    async () => {
      const random = new SeededRandom(SEED);
      const first = Math.min(...run.acknowledged.map(({ at }) => at));
      const cuts = chooseCuts(run.recording, first, IMAGES, random);
      const judge = async (): Promise<void> => {
        for (let cut = cuts.shift(); cut !== undefined; cut = cuts.shift()) {
          const violations = await judgeImage(run, cut, SEED);
          const shown = violations.slice(0, 20).map(({ kind, text }) => `${kind}: ${text}`);
          const about = `TEST_FAULT_SEED=${SEED} at ${cut.at}, unsynced: ${cut.fate}`;
          expect(shown, about).toEqual([]);
        }
      };
      // Most of an image's time is the start of a process: two at a time on two cores.
      await Promise.all([judge(), judge()]);
    },
    30_000 + IMAGES * 15_000,
  );
});
