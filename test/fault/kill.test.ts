import { randomInt } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type CampaignResult, type Ending, runCampaign } from "../support/fault/campaign.ts";

/** Ends of the process in all; more by the environment, as `npm run soak` does. */
const ROUNDS = Number(process.env.TEST_FAULT_ROUNDS ?? 20);
/** On one directory, so that what a round left behind meets the ones after it. */
const ROUNDS_PER_CAMPAIGN = 20;
/** `TEST_FAULT_SEED` repeats a run that failed. */
const SEED = Number(process.env.TEST_FAULT_SEED ?? randomInt(2 ** 31));

/** Runs campaigns until all rounds are done; the first one that is not clean ends it. */
async function runRounds(rounds: number, ending: Ending): Promise<void> {
  const total = { rounds: 0, acknowledged: 0, delivered: 0 };
  for (let seed = SEED; total.rounds < rounds; seed += 1) {
    const size = Math.min(ROUNDS_PER_CAMPAIGN, rounds - total.rounds);
    const result: CampaignResult = await runCampaign({ seed, rounds: size, ending });
    const shown = result.violations.slice(0, 20).map(({ kind, text }) => `${kind}: ${text}`);
    expect(shown, `TEST_FAULT_SEED=${seed}`).toEqual([]);
    total.rounds += size;
    total.acknowledged += result.acknowledged;
    total.delivered += result.delivered;
  }
  process.stdout.write(`${ending}: ${JSON.stringify({ ...total, lost: 0 })}\n`);
}

describe("a loaded gateway on the disk store", () => {
  test(
    `that is killed ${ROUNDS} times loses nothing it acknowledged, invents nothing, keeps every order`,
    () => runRounds(ROUNDS, "SIGKILL"),
    60_000 + ROUNDS * 10_000,
  );

  test("that is drained and started again three times tells no reader of a gap", async () => {
    await runRounds(3, "SIGTERM");
  }, 120_000);
});
