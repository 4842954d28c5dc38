import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { z } from "zod";
import type { PublisherSlot, ReaderSlot } from "./block-design.ts";
import type { Targets } from "./driver/driver.ts";
import type { BlockSetup, ColdStart, Load, LoadReport, SendReport } from "./load.ts";
import {
  answerSchema,
  coldStartsSchema,
  type LoadCall,
  loadReportSchema,
  sendReportSchema,
} from "./load-call.ts";

/** Longer than any connection takes to close; past it the process is ended the hard way. */
const STOP_DEADLINE_MS = 5_000;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (cause: Error) => void;
}

/** The load in a process of its own. */
export class LoadProcess implements Load {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #end: Error | null = null;

  /** @param entry the built program of a load process. */
  constructor(entry = new URL("./load-entry.js", import.meta.url)) {
    this.#child = fork(fileURLToPath(entry), [], {
      // Sample arrays cross as they are; as JSON they would be text.
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      execArgv: [],
    });
    this.#child.on("message", (message) => this.#take(message));
    this.#child.on("error", (cause) => this.#fail(cause));
    this.#child.on("exit", (code, signal) =>
      this.#fail(new Error(`a load process ended with ${signal ?? code}`)),
    );
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  async begin(setup: BlockSetup): Promise<void> {
    await this.#call({ method: "begin", setup });
  }

  async openPublisher(slot: PublisherSlot, targets: Targets): Promise<void> {
    await this.#call({ method: "openPublisher", slot, targets });
  }

  async openReader(slot: ReaderSlot, targets: Targets): Promise<void> {
    await this.#call({ method: "openReader", slot, targets });
  }

  async openPaused(targets: Targets): Promise<void> {
    await this.#call({ method: "openPaused", targets });
  }

  async openIdle(slot: ReaderSlot, targets: Targets, count: number): Promise<void> {
    await this.#call({ method: "openIdle", slot, targets, count });
  }

  run(startNs: number): Promise<SendReport> {
    return this.#ask({ method: "run", startNs }, sendReportSchema);
  }

  async settle(timeoutMs: number): Promise<void> {
    await this.#call({ method: "settle", timeoutMs });
  }

  async leaveRetained(): Promise<void> {
    await this.#call({ method: "leaveRetained" });
  }

  coldStarts(slot: ReaderSlot, targets: Targets, count: number): Promise<readonly ColdStart[]> {
    return this.#ask({ method: "coldStarts", slot, targets, count }, coldStartsSchema);
  }

  report(): Promise<LoadReport> {
    return this.#ask({ method: "report" }, loadReportSchema);
  }

  async end(): Promise<void> {
    await this.#call({ method: "end" });
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
    await exited;
    clearTimeout(timer);
  }

  async #ask<Value>(call: LoadCall, schema: z.ZodType<Value>): Promise<Value> {
    return schema.parse(await this.#call(call));
  }

  #call(call: LoadCall): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (this.#end !== null) {
        reject(this.#end);
        return;
      }
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, call }, (cause) => cause !== null && this.#failLater(cause));
    });
  }

  #take(message: unknown): void {
    const { id, value, failure } = answerSchema.parse(message);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (failure === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(failure));
  }

  /** The channel of a process that ends breaks first: how it ended says more than that. */
  #failLater(cause: Error): void {
    if (this.#end !== null) return;
    const timer = setTimeout(() => this.#fail(cause), STOP_DEADLINE_MS);
    this.#child.once("exit", () => clearTimeout(timer));
  }

  #fail(cause: Error): void {
    this.#end ??= cause;
    for (const { reject } of this.#waiting.values()) reject(cause);
    this.#waiting.clear();
  }
}
