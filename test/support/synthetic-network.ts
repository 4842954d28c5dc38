import { type BlockObservation, PointAnalysis } from "../../src/compare/analysis.ts";
import {
  type Block,
  BlockDesign,
  type PublisherSlot,
  type ReaderSlot,
} from "../../src/compare/block-design.ts";
import type { PlanPoint } from "../../src/compare/plan-points.ts";
import { Recorder } from "../../src/compare/recorder.ts";
import { Schedule } from "../../src/compare/schedule.ts";
import type { BlockCondition } from "../../src/compare/validity.ts";

/** One message on its way to one reader. */
export interface Flight {
  readonly block: Block;
  readonly publisher: PublisherSlot;
  readonly reader: ReaderSlot;
  readonly sequence: number;
  readonly dueAtNs: number;
}

/** When a message was sent and when each copy of it arrived, in the order of arrival. */
export interface Fate {
  readonly sentAtNs: number;
  readonly receivedAtNs: readonly number[];
}

export const QUIET: BlockCondition = {
  sendDelayP99Ns: 0,
  loopDelayP99Ns: 0,
  publishFailures: 0,
  firstFailure: null,
  lateSends: 0,
  gatewayLoopDelayP99Ns: null,
};

/** One block of a gateway that is a function, recorded as a run would record it. */
export function observe(
  point: PlanPoint,
  design: Block,
  fateOf: (flight: Flight) => Fate,
  condition: BlockCondition = QUIET,
): BlockObservation {
  const schedule = new Schedule({
    ...point,
    publishers: design.publishers.length,
    warmUpSeconds: 0,
  });
  const recorders = design.readers.map(
    () => new Recorder(design.publishers.length, 0, schedule.shotsPerPublisher),
  );
  const arrivals: { reader: number; at: number; receive: () => void }[] = [];
  for (let index = 0; index < schedule.shots; index += 1) {
    const { publisher, sequence, dueAfterNs } = schedule.shot(index);
    const slot = design.publishers[publisher];
    if (slot === undefined) throw new Error(`no publisher ${publisher}`);
    for (const reader of design.readers) {
      const flight = { block: design, publisher: slot, reader, sequence, dueAtNs: dueAfterNs };
      const { sentAtNs, receivedAtNs } = fateOf(flight);
      for (const at of receivedAtNs) {
        const receipt = { publisher, sequence, intendedAtNs: dueAfterNs, sentAtNs };
        const receive = (): void =>
          recorders[reader.position]?.receive({ ...receipt, receivedAtNs: at });
        arrivals.push({ reader: reader.position, at, receive });
      }
    }
  }
  // As the network would hand them over: by time.
  arrivals.sort((a, b) => a.at - b.at);
  for (const { receive } of arrivals) receive();
  const records = design.publishers.map((_, publisher) =>
    design.readers.map((_reader, reader) => recorders[reader]?.pair(publisher)),
  );
  return { design, condition, records };
}

/** All blocks of a point over that gateway. */
export function analyse(point: PlanPoint, fateOf: (flight: Flight) => Fate): PointAnalysis {
  const design = new BlockDesign(point);
  const analysis = new PointAnalysis(point);
  for (let index = 0; index < point.blocks; index += 1) {
    analysis.add(observe(point, design.block(index), fateOf));
  }
  return analysis;
}
