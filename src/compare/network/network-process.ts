import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type {
  NetworkAnswer,
  NetworkObservation,
  NetworkRequest,
  NumberedRequest,
} from "./network-messages.ts";
import type { NetworkProfile } from "./network-profile.ts";
import type { Direction, Place } from "./proxied-connection.ts";

const BOTH: readonly Direction[] = ["up", "down"];
/** Nothing it is asked takes longer than binding a few ports. */
const ANSWER_DEADLINE_MS = 10_000;

/** What runs in the process: the built module beside this one. */
const MAIN = new URL("./network-main.js", import.meta.url);

export interface NetworkOptions {
  readonly profile: NetworkProfile;
  readonly seed: number;
  /** One proxy each, in this order. */
  readonly targets: readonly Place[];
  /** Another build's `network-main.js`. */
  readonly main?: URL;
}

/**
 * Proxies in a process of their own, so that a network never shares an event loop with what it lies
 * between. The process ends with this one, even when this one is killed.
 */
export class NetworkProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: NetworkAnswer) => void>();
  #nextId = 1;
  #ports: readonly number[] = [];

  private constructor(main: URL) {
    this.#child = fork(fileURLToPath(main), {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      execArgv: [],
    });
    // The process is this program's; it sends nothing else.
    this.#child.on("message", (answer: NetworkAnswer) => {
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    this.#child.on("exit", () => this.#failAll("the process of the network has ended"));
    this.#child.on("error", (cause) => this.#failAll(cause.message));
  }

  static async start({ main = MAIN, ...start }: NetworkOptions): Promise<NetworkProcess> {
    const network = new NetworkProcess(main);
    try {
      const { ports = [] } = await network.#ask({ do: "start", ...start });
      network.#ports = ports;
      return network;
    } catch (cause) {
      network.#child.kill("SIGKILL");
      throw cause;
    }
  }

  /** Where each proxy listens on 127.0.0.1, in the order of the targets. */
  get ports(): readonly number[] {
    return this.#ports;
  }

  /** Resets every open connection of one proxy. */
  async reset(proxy: number): Promise<void> {
    await this.#ask({ do: "reset", proxy });
  }

  /** Open connections of one proxy go silent: nothing passes, and nobody is told. */
  async halfOpen(proxy: number, directions: readonly Direction[] = BOTH): Promise<void> {
    await this.#ask({ do: "half-open", proxy, directions });
  }

  async stall(proxy: number, durationMs: number, directions = BOTH): Promise<void> {
    await this.#ask({ do: "stall", proxy, durationMs, directions });
  }

  /** Where new connections of one proxy lead. */
  async retarget(proxy: number, target: Place): Promise<void> {
    await this.#ask({ do: "retarget", proxy, target });
  }

  /** What passed, and how late the process was since it was last asked. */
  async observe(): Promise<NetworkObservation> {
    const { observation } = await this.#ask({ do: "observe" });
    if (observation === undefined) throw new Error("the process of the network told nothing");
    return observation;
  }

  /** Resets what is open and ends the process. Idempotent. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    const timer = setTimeout(() => child.kill("SIGKILL"), ANSWER_DEADLINE_MS);
    // When it ended meanwhile, that is what was wanted.
    await this.#ask({ do: "stop" }).catch(() => undefined);
    if (child.connected) child.disconnect();
    await exited;
    clearTimeout(timer);
  }

  #ask(request: NetworkRequest): Promise<NetworkAnswer> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => settle({ id, failure: "it did not answer" }),
        ANSWER_DEADLINE_MS,
      );
      const settle = (answer: NetworkAnswer): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        if (answer.failure === undefined) resolve(answer);
        else reject(new Error(`the network would not ${request.do}: ${answer.failure}`));
      };
      this.#waiting.set(id, settle);
      if (!this.#child.connected) settle({ id, failure: "its process has ended" });
      else this.#child.send({ id, request } satisfies NumberedRequest);
    });
  }

  #failAll(failure: string): void {
    for (const [id, settle] of this.#waiting) settle({ id, failure });
  }
}
