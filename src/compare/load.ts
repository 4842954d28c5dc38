import type { Block, PublisherSlot, ReaderSlot } from "./block-design.ts";
import type { DriverFactors, Targets } from "./driver/driver.ts";
import type { Pacing } from "./pacer.ts";
import type { RawRecord } from "./recorder.ts";

/** What a process of the load is told of the block that begins. */
export interface BlockSetup {
  /** Stands in every stamp, so that no other block's messages are counted. */
  readonly run: number;
  readonly design: Block;
  readonly factors: DriverFactors;
  readonly payloadBytes: number;
  readonly seed: number;
  readonly ratePerSecond: number;
  readonly batchSize: number;
  /** Sent before the window and counted for nothing: the first messages of a connection differ. */
  readonly leadInSeconds: number;
  readonly windowSeconds: number;
  readonly pacing: Pacing;
  /** What counts as a late send, nanoseconds behind the schedule. */
  readonly lateNs: number;
  readonly disturbance: Disturbance;
}

/** What is done to readers while messages flow. */
export type Disturbance =
  | { readonly kind: "none" }
  /** One more reader stops reading for a while. */
  | { readonly kind: "pause"; readonly egress: ReaderSlot["name"]; readonly seconds: number }
  /** Every reader's connection is reset, so many times within the window; each comes back at once. */
  | { readonly kind: "reset"; readonly times: number };

/** How sending went in one block. */
export interface SendReport {
  readonly sendDelayP99Ns: number;
  readonly lateSends: number;
}

/** What one process of the load saw in one block. */
export interface LoadReport {
  /** By the position of the reader, then of the publisher; empty where the reader is not here. */
  readonly records: readonly (readonly RawRecord[])[];
  readonly recoveries: readonly Recovery[];
  /** 99th percentile of this process's event-loop delay, nanoseconds. */
  readonly loopDelayP99Ns: number;
  /** Processor time of this process, microseconds. */
  readonly cpuMicroseconds: number;
  readonly publishFailures: number;
  /** What the first connection or publish failed of; `null` when none did. */
  readonly firstFailure: string | null;
}

/** One reader after one reset. */
export interface Recovery {
  /** The reader's position in the block. */
  readonly reader: number;
  /** From the reset until it was subscribed again; `null` when it was not. */
  readonly openNs: number | null;
  /** From the reset until its next message. */
  readonly messageNs: number | null;
}

/** Times of one connection from cold, nanoseconds. */
export interface ColdStart {
  /** From nothing until the subscription stood. */
  readonly openNs: number;
  /** From nothing until the first message was there. */
  readonly messageNs: number;
}

/**
 * One process of the load: it holds publishers, readers or both, and shares nothing with the gateway
 * but sockets. Methods are called one after the other; each rejects when what it asks of the gateway
 * is refused.
 */
export interface Load {
  /** Forgets the block before; what that had open must be closed. */
  begin(setup: BlockSetup): Promise<void>;
  openPublisher(slot: PublisherSlot, targets: Targets): Promise<void>;
  openReader(slot: ReaderSlot, targets: Targets): Promise<void>;
  /** Opens the further reader that the block's disturbance pauses. */
  openPaused(targets: Targets): Promise<void>;
  /** Opens `count` connections that only stand. */
  openIdle(slot: ReaderSlot, targets: Targets, count: number): Promise<void>;
  /**
   * Sends what the publishers here have to send and disturbs the readers here, from `startNs` of the
   * monotonic clock on. Resolves when the last message has left.
   */
  run(startNs: number): Promise<SendReport>;
  /** Resolves when every measured reader here has everything, or after `timeoutMs`. */
  settle(timeoutMs: number): Promise<void>;
  /** Has every publisher here leave a retained message behind, which {@link end} clears. */
  leaveRetained(): Promise<void>;
  /** Opens and closes `count` readers, one after the other, each until a retained message comes. */
  coldStarts(slot: ReaderSlot, targets: Targets, count: number): Promise<readonly ColdStart[]>;
  report(): Promise<LoadReport>;
  /** Closes every connection of the block. */
  end(): Promise<void>;
  /** Ends the process, or what stands for it. */
  stop(): Promise<void>;
}

/** Topics of a block are exactly this long, so that header arithmetic does not depend on chance. */
export const TOPIC_BYTES = 20;

/** The topic of the publisher at `position`, such as `compare/0a1b2c3/0007`. */
export function blockTopic(run: number, position: number): string {
  return `${topicBase(run)}/${String(position).padStart(4, "0")}`;
}

/** The filter of all readers of a block. */
export function blockFilter(run: number): string {
  return `${topicBase(run)}/+`;
}

function topicBase(run: number): string {
  // 7 digits hold 32 bits to the base of 36.
  return `compare/${run.toString(36).padStart(7, "0")}`;
}
