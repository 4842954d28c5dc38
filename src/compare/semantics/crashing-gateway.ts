import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Targets } from "../driver/driver.ts";
import { GatewayProcess, type GatewaySetup } from "../gateway-process.ts";

/** A gateway that can be broken. */
export interface GatewayUnderFault {
  readonly targets: Targets;
  /** `null` where it is not the run's own. */
  readonly crash: Crash | null;
}

/** How a gateway ends in the middle of its work, and comes back. */
export interface Crash {
  /** Ends it at once; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it on what its disk holds; resolves with where it listens now. */
  restart(): Promise<Targets>;
}

/** One that stood before the run: its readers' connections can be broken, and it cannot. */
export function standingUnderFault(targets: Targets): GatewayUnderFault {
  return { targets, crash: null };
}

/** A gateway of the run's own with a disk store, which `kill -9` ends and which comes back. */
export class CrashingGateway implements GatewayUnderFault {
  readonly #directory: string;
  readonly #setup: GatewaySetup;
  #process: GatewayProcess;

  private constructor(directory: string, setup: GatewaySetup, process: GatewayProcess) {
    this.#directory = directory;
    this.#setup = setup;
    this.#process = process;
  }

  /** @param setup as for any gateway of a run; where its store is, is decided here. */
  static async start(setup: GatewaySetup): Promise<CrashingGateway> {
    const directory = await mkdtemp(join(tmpdir(), "tributary-semantics-"));
    const settings = [...setup.settings, "store.kind=lmdb", `store.dataDir=${directory}`];
    try {
      const all = { ...setup, settings };
      return new CrashingGateway(directory, all, await GatewayProcess.start(all));
    } catch (cause) {
      await rm(directory, { recursive: true, force: true });
      throw cause;
    }
  }

  get targets(): Targets {
    return this.#process.targets;
  }

  readonly crash: Crash = {
    kill: () => this.#process.kill(),
    restart: async () => {
      this.#process = await GatewayProcess.start(this.#setup);
      return this.#process.targets;
    },
  };

  async stop(): Promise<void> {
    await this.#process.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
