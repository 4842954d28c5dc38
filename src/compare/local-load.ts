import { monitorEventLoopDelay } from "node:perf_hooks";
import type { PublisherSlot, ReaderSlot } from "./block-design.ts";
import { clearRetained, coldStarts, leaveRetained } from "./cold-starts.ts";
import type { DriverContext, Drivers, Publisher, Reader, Targets } from "./driver/driver.ts";
import type { BlockSetup, ColdStart, Load, LoadReport, SendReport } from "./load.ts";
import { blockFilter } from "./load.ts";
import { LoadReaders } from "./load-readers.ts";
import { LoadSender } from "./load-sender.ts";
import { monotonicNs } from "./pacer.ts";

/** After the last expected message, for second copies to show themselves. */
const DUPLICATE_GRACE_MS = 100;
const LOOP_RESOLUTION_MS = 1;

/** The load within this process. */
export class LocalLoad implements Load {
  readonly #drivers: Drivers;
  #block: BlockLoad | null = null;

  constructor(drivers: Drivers) {
    this.#drivers = drivers;
  }

  async begin(setup: BlockSetup): Promise<void> {
    await this.end();
    this.#block = new BlockLoad(setup, this.#drivers);
  }

  openPublisher(slot: PublisherSlot, targets: Targets): Promise<void> {
    return this.#current.openPublisher(slot, targets);
  }

  openReader(slot: ReaderSlot, targets: Targets): Promise<void> {
    return this.#current.openReader(slot, targets);
  }

  openPaused(targets: Targets): Promise<void> {
    return this.#current.openPaused(targets);
  }

  openIdle(slot: ReaderSlot, targets: Targets, count: number): Promise<void> {
    return this.#current.openIdle(slot, targets, count);
  }

  run(startNs: number): Promise<SendReport> {
    return this.#current.run(startNs);
  }

  settle(timeoutMs: number): Promise<void> {
    return this.#current.settle(timeoutMs);
  }

  leaveRetained(): Promise<void> {
    return this.#current.leaveRetained();
  }

  coldStarts(slot: ReaderSlot, targets: Targets, count: number): Promise<readonly ColdStart[]> {
    return this.#current.coldStarts(slot, targets, count);
  }

  async report(): Promise<LoadReport> {
    return this.#current.report();
  }

  async end(): Promise<void> {
    const block = this.#block;
    this.#block = null;
    await block?.close();
  }

  stop(): Promise<void> {
    return this.end();
  }

  get #current(): BlockLoad {
    if (this.#block === null) throw new Error("no block has begun");
    return this.#block;
  }
}

/** One block's connections in this process. */
class BlockLoad {
  readonly #setup: BlockSetup;
  readonly #drivers: Drivers;
  readonly #publishers = new Map<number, Publisher>();
  readonly #readers: LoadReaders;
  readonly #idle: Reader[] = [];
  readonly #sender: LoadSender;
  readonly #abort = new AbortController();
  readonly #loopDelay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  #cpu = process.cpuUsage();
  #paused: Reader | null = null;
  #firstFailure: string | null = null;
  #isClosing = false;
  #hasRetained = false;
  #opened = 0;

  constructor(setup: BlockSetup, drivers: Drivers) {
    this.#setup = setup;
    this.#drivers = drivers;
    this.#readers = new LoadReaders(setup);
    this.#sender = new LoadSender(setup, this.#publishers, (cause) => this.#fail(cause));
  }

  async openPublisher({ name, position }: PublisherSlot, targets: Targets): Promise<void> {
    const open = this.#drivers.publishers[name];
    this.#publishers.set(position, await open(this.#context(`publisher-${position}`, targets)));
  }

  openReader(slot: ReaderSlot, targets: Targets): Promise<void> {
    const context = this.#context(`reader-${slot.position}`, targets);
    return this.#readers.open(slot, context, this.#drivers.readers[slot.name]);
  }

  async openPaused(targets: Targets): Promise<void> {
    const { disturbance } = this.#setup;
    if (disturbance.kind !== "pause") return;
    // That the gateway ends it is a lawful answer to a reader that does not read.
    const context = { ...this.#context("paused", targets), onFailure: () => undefined };
    this.#paused = await this.#openStanding(disturbance.egress, context);
  }

  async openIdle({ name }: ReaderSlot, targets: Targets, count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const context = this.#context(`idle-${this.#opened++}`, targets);
      this.#idle.push(await this.#openStanding(name, context));
    }
  }

  async run(startNs: number): Promise<SendReport> {
    this.#loopDelay.enable();
    this.#cpu = process.cpuUsage();
    const disturbing = this.#disturb(startNs);
    const report = await this.#sender.send(startNs, this.#abort.signal);
    await disturbing;
    return report;
  }

  async settle(timeoutMs: number): Promise<void> {
    await Promise.race([this.#readers.complete(), this.#pause(timeoutMs)]);
    await this.#pause(DUPLICATE_GRACE_MS);
  }

  async leaveRetained(): Promise<void> {
    this.#hasRetained = true;
    await leaveRetained(this.#setup, this.#publishers);
  }

  coldStarts(slot: ReaderSlot, targets: Targets, count: number): Promise<readonly ColdStart[]> {
    this.#loopDelay.enable();
    const open = this.#drivers.readers[slot.name];
    const contextOf = (index: number): DriverContext =>
      this.#context(`cold-${slot.position}-${index}`, targets);
    return coldStarts({ setup: this.#setup, open, contextOf, count });
  }

  report(): LoadReport {
    this.#loopDelay.disable();
    const { user, system } = process.cpuUsage(this.#cpu);
    return {
      records: this.#readers.records(),
      recoveries: this.#readers.recoveries(),
      // What the monitor records holds its own waiting time.
      loopDelayP99Ns: Math.max(0, this.#loopDelay.percentile(99) - LOOP_RESOLUTION_MS * 1e6),
      cpuMicroseconds: user + system,
      publishFailures: this.#sender.publishFailures,
      firstFailure: this.#firstFailure,
    };
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#abort.abort(new Error("the block ended"));
    this.#loopDelay.disable();
    // A gateway that is gone has nothing left to clear.
    if (this.#hasRetained)
      await clearRetained(this.#setup, this.#publishers).catch(() => undefined);
    const others = [...this.#publishers.values(), ...this.#idle];
    if (this.#paused !== null) others.push(this.#paused);
    await Promise.allSettled([...others.map((each) => each.close()), this.#readers.close()]);
  }

  #openStanding(name: ReaderSlot["name"], context: DriverContext): Promise<Reader> {
    const filter = blockFilter(this.#setup.run);
    const start = { from: "now", wantsRetained: false } as const;
    return this.#drivers.readers[name](context, { filter, start }, () => undefined);
  }

  async #disturb(startNs: number): Promise<void> {
    const { disturbance, leadInSeconds, windowSeconds } = this.#setup;
    const untilMs = (seconds: number): number =>
      (startNs - monotonicNs()) / 1e6 + (leadInSeconds + seconds) * 1_000;
    if (disturbance.kind === "pause") {
      await this.#pause(untilMs(0));
      this.#paused?.pause();
      await this.#pause(untilMs(disturbance.seconds));
      this.#paused?.resume();
    } else if (disturbance.kind === "reset") {
      for (let time = 0; time < disturbance.times; time += 1) {
        await this.#pause(untilMs(((time + 0.5) * windowSeconds) / disturbance.times));
        await this.#readers.resetAll().catch((cause: Error) => this.#fail(cause));
      }
    }
  }

  #context(name: string, targets: Targets): DriverContext {
    const { run, factors } = this.#setup;
    return {
      targets,
      factors,
      clientId: `${name}-${run.toString(36)}`,
      onFailure: (cause) => this.#fail(cause),
    };
  }

  #fail(cause: Error): void {
    if (!this.#isClosing) this.#firstFailure ??= cause.message;
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#abort;
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.max(0, ms));
      signal.addEventListener("abort", wake);
    });
  }
}
