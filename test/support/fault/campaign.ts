import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as passed, setImmediate as turn } from "node:timers/promises";
import { GatewayProcess, type Launch } from "../gateway-process.ts";
import { SeededRandom } from "../seeded-random.ts";
import { findViolations } from "./delivery-checker.ts";
import { Fleet } from "./fleet.ts";
import type { History, Violation } from "./history.ts";
import { within } from "./within.ts";

/** Windows and queues that hold a whole run, so that nothing is missing with an excuse. */
export const ROOMY_SETTINGS = [
  "log.maxMessages=4194304",
  "log.maxBytes=4294967296",
  "mqtt.maxQueuedMessages=1000000",
  "mqtt.maxQueuedBytes=1073741824",
  "limits.idempotency.maxKeys=1000000",
  "limits.idempotency.maxKeysPerScope=1000000",
];

/** A gateway on two cores that is not stuck acknowledges far more than a round's messages by then. */
const ROUND_DEADLINE_MS = 20_000;

/** Acknowledgements before the next end of the process: enough for several group commits. */
const ROUND_MESSAGES = { min: 20, spread: 180 };

/** How the process ends in a round. */
export type Ending = "SIGKILL" | "SIGTERM";

export interface CampaignPlan {
  readonly seed: number;
  readonly rounds: number;
  readonly ending: Ending;
  readonly launch?: Launch;
  readonly settings?: readonly string[];
  /** As {@link FleetOptions.settleMs}; 15 s when absent. */
  readonly settleMs?: number;
}

/** What came of a campaign. */
export interface CampaignResult {
  readonly acknowledged: number;
  readonly delivered: number;
  readonly violations: readonly Violation[];
}

/** Loads a gateway on one directory, ends it round after round, and has the checker judge it all. */
export async function runCampaign(plan: CampaignPlan): Promise<CampaignResult> {
  const dataDir = await mkdtemp(join(tmpdir(), "tributary-fault-"));
  const campaign = new Campaign(plan, dataDir);
  try {
    return await campaign.run();
  } finally {
    await campaign.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

class Campaign {
  readonly #plan: CampaignPlan;
  readonly #options: readonly string[];
  readonly #random: SeededRandom;
  readonly #fleet: Fleet;
  #gateway: GatewayProcess | null = null;

  constructor(plan: CampaignPlan, dataDir: string) {
    this.#plan = plan;
    this.#options = ["--store", "lmdb", "--data-dir", dataDir];
    this.#random = new SeededRandom(plan.seed);
    const { seed, settleMs = 15_000 } = plan;
    this.#fleet = new Fleet(this.#random, { run: `r${seed}`, settleMs });
  }

  async run(): Promise<CampaignResult> {
    await this.#start();
    await this.#fleet.start(this.#urls);
    for (let round = 0; round < this.#plan.rounds; round += 1) await this.#round(round);
    const history = await this.#fleet.finish(this.#urls);
    return summarize(history);
  }

  async stop(): Promise<void> {
    await this.#fleet.close();
    await this.#gateway?.stop();
  }

  get #urls() {
    if (this.#gateway === null) throw new Error("no gateway runs");
    return this.#gateway.urls;
  }

  #spawn(): GatewayProcess {
    const { settings = [], launch = {} } = this.#plan;
    return GatewayProcess.spawn([...ROOMY_SETTINGS, ...settings], this.#options, launch);
  }

  async #start(): Promise<void> {
    this.#gateway = this.#spawn();
    await this.#gateway.awaitReady();
  }

  async #round(round: number): Promise<void> {
    const { ending } = this.#plan;
    const count = ROUND_MESSAGES.min + this.#random.below(ROUND_MESSAGES.spread);
    if (!(await within(ROUND_DEADLINE_MS, this.#fleet.acknowledgements(count)))) {
      throw new Error(`round ${round}: no ${count} messages were acknowledged in time`);
    }
    // The answers that were read are from one turn of the gateway; its end is to fall into any other.
    for (let turns = this.#random.below(20); turns > 0; turns -= 1) await turn();
    this.#gateway?.signal(ending);
    this.#fleet.down(ending === "SIGKILL");
    await this.#gateway?.exit();
    if (ending === "SIGKILL" && this.#random.below(4) === 0) await this.#killWhileStarting();
    await this.#start();
    this.#fleet.site.up(this.#urls);
  }

  /** Recovery itself must stand being killed. */
  async #killWhileStarting(): Promise<void> {
    const starting = this.#spawn();
    await passed(this.#random.below(500));
    await starting.stop();
  }
}

function summarize(history: History): CampaignResult {
  const count = (lists: readonly (readonly unknown[])[]) =>
    lists.reduce((sum, list) => sum + list.length, 0);
  return {
    acknowledged: count(history.publishers.map((publisher) => publisher.acknowledgements)),
    delivered: count(
      history.readers.map(({ events }) => events.filter((event) => event.is === "message")),
    ),
    violations: findViolations(history),
  };
}
