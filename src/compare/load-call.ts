import { z } from "zod";
import type { PublisherSlot, ReaderSlot } from "./block-design.ts";
import type { Targets } from "./driver/driver.ts";
import type { BlockSetup, Load } from "./load.ts";

/** One method of {@link Load} with its arguments, as it crosses to another process. */
export type LoadCall =
  | { readonly method: "begin"; readonly setup: BlockSetup }
  | { readonly method: "openPublisher"; readonly slot: PublisherSlot; readonly targets: Targets }
  | { readonly method: "openReader"; readonly slot: ReaderSlot; readonly targets: Targets }
  | { readonly method: "openPaused"; readonly targets: Targets }
  | {
      readonly method: "openIdle" | "coldStarts";
      readonly slot: ReaderSlot;
      readonly targets: Targets;
      readonly count: number;
    }
  | { readonly method: "run"; readonly startNs: number }
  | { readonly method: "settle"; readonly timeoutMs: number }
  | { readonly method: "leaveRetained" | "report" | "end" };

/** A call with the number its answer bears. */
export interface NumberedCall {
  readonly id: number;
  readonly call: LoadCall;
}

/** Reads a call from the other end of the channel, which is this same program. */
export function readCall(message: unknown): NumberedCall {
  const isCall =
    typeof message === "object" && message !== null && "id" in message && "call" in message;
  if (!isCall) throw new TypeError("not a call of the load");
  return message as NumberedCall;
}

/** Does what a call asks for. */
export function perform(load: Load, call: LoadCall): Promise<unknown> {
  switch (call.method) {
    case "begin":
      return load.begin(call.setup);
    case "openPublisher":
      return load.openPublisher(call.slot, call.targets);
    case "openReader":
      return load.openReader(call.slot, call.targets);
    case "openPaused":
      return load.openPaused(call.targets);
    case "openIdle":
      return load.openIdle(call.slot, call.targets, call.count);
    case "coldStarts":
      return load.coldStarts(call.slot, call.targets, call.count);
    case "run":
      return load.run(call.startNs);
    case "settle":
      return load.settle(call.timeoutMs);
    case "leaveRetained":
      return load.leaveRetained();
    case "report":
      return load.report();
    case "end":
      return load.end();
  }
}

const samples = z.instanceof(Float64Array);
const count = z.int().min(0);

/** What `run` answers. */
export const sendReportSchema = z.object({ sendDelayP99Ns: z.number(), lateSends: count });

/** What `report` answers. */
export const loadReportSchema = z.object({
  records: z.array(
    z.array(
      z.object({
        expected: count,
        received: count,
        lost: count,
        duplicates: count,
        reordered: count,
        latencies: samples,
        services: samples,
      }),
    ),
  ),
  recoveries: z.array(
    z.object({
      reader: count,
      openNs: z.number().nullable(),
      messageNs: z.number().nullable(),
    }),
  ),
  loopDelayP99Ns: z.number(),
  cpuMicroseconds: z.number(),
  publishFailures: count,
  firstFailure: z.string().nullable(),
});

/** What `coldStarts` answers. */
export const coldStartsSchema = z.array(z.object({ openNs: z.number(), messageNs: z.number() }));

/** An answer to a call: its value, or what it failed of. */
export const answerSchema = z.object({
  id: count,
  value: z.unknown().optional(),
  failure: z.string().optional(),
});
