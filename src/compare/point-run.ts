import { PointAnalysis } from "./analysis.ts";
import { pointLedger } from "./analysis-result.ts";
import { type Block, BlockDesign } from "./block-design.ts";
import { type BlockOptions, type BlockOutcome, BlockRunner } from "./block-run.ts";
import type { PointResult } from "./comparison-result.ts";
import { connectBlock } from "./connect-block.ts";
import { measureCosts } from "./cost/cost-run.ts";
import { CostTable } from "./cost/cost-table.ts";
import type { GatewayUnderTest } from "./gateway-under-test.ts";
import { idleBlock } from "./idle-block.ts";
import type { LedgerFactor, LedgerValue } from "./ledger.ts";
import type { Disturbance } from "./load.ts";
import type { Loads } from "./loads.ts";
import { BLOCK_OVERHEAD_SECONDS, costSecondsOf, type PlanPoint } from "./plan-points.ts";
import type { ProgressTrack } from "./progress.ts";
import { RecoveryTable } from "./recovery-table.ts";
import { warmUpBatches } from "./statistics/warm-up.ts";
import { MAX_VOID_SHARE } from "./validity.ts";

/** Times a warm-up is repeated when it has not settled. */
const WARM_UP_ROUNDS = 3;

/** What one point is run with. */
export interface PointParts {
  readonly startGateway: () => Promise<GatewayUnderTest>;
  readonly loads: Loads;
  readonly facts: Readonly<Partial<Record<LedgerFactor, LedgerValue>>>;
  readonly signal: AbortSignal;
  readonly progress: ProgressTrack;
  /** What distinguishes the point in a sweep, such as `ratePerSecond 400`; empty when it is alone. */
  readonly label: string;
}

/** Runs one point of a plan: warm-up, blocks until enough of them stand, costs. */
export class PointRun {
  readonly #point: PlanPoint;
  readonly #parts: PointParts;
  readonly #analysis: PointAnalysis;
  readonly #design: BlockDesign;
  readonly #recoveries = new RecoveryTable();
  readonly #costs: CostTable;

  constructor(point: PlanPoint, parts: PointParts) {
    this.#point = point;
    this.#parts = parts;
    this.#analysis = new PointAnalysis(point);
    this.#design = new BlockDesign(point);
    this.#costs = new CostTable(point.qos);
  }

  async execute(): Promise<PointResult> {
    let gateway = await this.#parts.startGateway();
    try {
      await this.#warmUp(gateway);
      const { blocks, experiment } = this.#point;
      // Beyond it, too many are void for the rest to be a sample, whatever is still to come.
      const mostVoid = Math.floor((blocks * MAX_VOID_SHARE) / (1 - MAX_VOID_SHARE));
      for (let index = 0; this.#analysis.validBlocks < blocks; index += 1) {
        if (index - this.#analysis.validBlocks > mostVoid) break;
        if (experiment.kind === "idle" && index > 0 && gateway.facts.gatewayIsOwn === true) {
          // Memory that a block before had is taken again without the process growing.
          await gateway.stop();
          gateway = await this.#parts.startGateway();
        }
        await this.#step(`block ${index + 1} of ${blocks}`, this.#blockSeconds, () =>
          this.#block(gateway, this.#design.block(index)),
        );
      }
      await this.#measureCosts(gateway);
      return this.#result(gateway);
    } finally {
      await gateway.stop();
    }
  }

  get #blockSeconds(): number {
    return this.#point.windowSeconds + BLOCK_OVERHEAD_SECONDS;
  }

  #step<Value>(phase: string, seconds: number, work: () => Promise<Value>): Promise<Value> {
    const { label, progress } = this.#parts;
    return progress.step(label === "" ? phase : `${label}: ${phase}`, seconds, work);
  }

  #runner(gateway: GatewayUnderTest): BlockRunner {
    return new BlockRunner(this.#point, gateway, this.#parts.loads, this.#parts.signal);
  }

  async #warmUp(gateway: GatewayUnderTest): Promise<void> {
    const { warmUpSeconds } = this.#point;
    if (warmUpSeconds === 0) return;
    const options = { windowSeconds: warmUpSeconds, leadInSeconds: 0 };
    for (let round = 1; round <= WARM_UP_ROUNDS; round += 1) {
      const phase = round === 1 ? "warm-up" : `warm-up, round ${round}`;
      const { observation } = await this.#step(phase, round === 1 ? warmUpSeconds : 0, () =>
        this.#runner(gateway).run(this.#design.block(-round), options),
      );
      const latencies = observation.records.flatMap((row) =>
        row.flatMap((record) => (record === undefined ? [] : [record.latencies])),
      );
      const batches = warmUpBatches(latencies);
      // Too short to be judged.
      if (batches.length === 0 || this.#analysis.judgeWarmUp(batches).isStationary) return;
    }
  }

  async #block(gateway: GatewayUnderTest, design: Block): Promise<void> {
    const { experiment } = this.#point;
    if (experiment.kind === "connect") {
      const observation = await connectBlock(this.#runner(gateway), this.#parts.loads, gateway, {
        design,
        connects: experiment.connects,
        costs: this.#costs,
      });
      this.#analysis.add(observation);
      return;
    }
    if (experiment.kind === "idle") {
      const observation = await idleBlock(this.#runner(gateway), this.#parts.loads, gateway, {
        design,
        connections: experiment.connections,
        windowSeconds: this.#point.windowSeconds,
        signal: this.#parts.signal,
        costs: this.#costs,
      });
      this.#analysis.add(observation);
      return;
    }
    const outcome = await this.#runner(gateway).run(design, this.#disturbed());
    const reasons = this.#analysis.add(outcome.observation);
    if (reasons.length === 0) this.#keepRecoveries(design, outcome);
  }

  #disturbed(): BlockOptions {
    const { experiment } = this.#point;
    let disturbance: Disturbance = { kind: "none" };
    if (experiment.kind === "slow-reader") {
      disturbance = { kind: "pause", egress: experiment.egress, seconds: experiment.pauseSeconds };
    } else if (experiment.kind === "reconnect") {
      disturbance = { kind: "reset", times: experiment.faultsPerBlock };
    }
    return { disturbance };
  }

  #keepRecoveries({ readers }: Block, { recoveries }: BlockOutcome): void {
    for (const recovery of recoveries) {
      const slot = readers[recovery.reader];
      if (slot?.role === "measured") this.#recoveries.add(slot.name, recovery);
    }
  }

  async #measureCosts(gateway: GatewayUnderTest): Promise<void> {
    if (costSecondsOf(this.#point) === 0 || this.#analysis.validBlocks === 0) return;
    await measureCosts({
      point: this.#point,
      gateway,
      runner: this.#runner(gateway),
      costs: this.#costs,
      signal: this.#parts.signal,
      step: (phase, seconds, work) => this.#step(phase, seconds + BLOCK_OVERHEAD_SECONDS, work),
    });
  }

  #result(gateway: GatewayUnderTest): PointResult {
    const { loads, facts } = this.#parts;
    const ledger = pointLedger(this.#point, {
      ...facts,
      ...gateway.facts,
      publisherAndReaderShareProcess: loads.publishing === loads.reading,
      oneClock: true,
    });
    return this.#analysis.result(ledger, {
      clock: null,
      costs: this.#costs,
      recoveries: this.#recoveries.results(),
    });
  }
}
