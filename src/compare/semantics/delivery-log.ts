import { SequenceOracle } from "../statistics/sequence-oracle.ts";
import type { SemanticsPair } from "./semantics-result.ts";

/** What a publisher did, by the number of the message. */
export interface PublishedLog {
  /** When each was first sent, nanoseconds. */
  readonly sentNs: readonly number[];
  /** Those that were acknowledged. */
  readonly acknowledged: ReadonlySet<number>;
}

/** One fault: when it began to be made, and when it was there. */
export interface FaultTimes {
  readonly fromNs: number;
  readonly doneNs: number;
}

/** What befell a reader. */
export interface ConnectionLog {
  /** When each of its connections was there. */
  readonly openedNs: readonly number[];
  readonly faults: readonly FaultTimes[];
}

/** A payload in a reader's hands. */
export interface Delivery {
  readonly sequence: number;
  readonly receivedNs: number;
  /** The index of the connection that brought it. */
  readonly connection: number;
}

type Findings = Omit<SemanticsPair, "ingress" | "egress" | "resumption">;

/** One publisher's messages at one reader, in the order in which they came. */
export class DeliveryLog {
  readonly #deliveries: Delivery[] = [];
  readonly #seen = new Set<number>();
  #last = -1;

  add(delivery: Delivery): void {
    this.#deliveries.push(delivery);
    this.#seen.add(delivery.sequence);
    this.#last = Math.max(this.#last, delivery.sequence);
  }

  /** The highest number that has come; −1 before the first. */
  get last(): number {
    return this.#last;
  }

  has(sequence: number): boolean {
    return this.#seen.has(sequence);
  }

  /** Whether something has come that was sent after this time. */
  hasSince(ns: number, sentNs: readonly number[]): boolean {
    return (sentNs[this.#last] ?? Number.NEGATIVE_INFINITY) > ns;
  }

  /** What it all amounts to. */
  findings(published: PublishedLog, connections: ConnectionLog): Findings {
    const { acknowledged, sentNs } = published;
    const expected = [...acknowledged].sort((a, b) => a - b);
    const places = new Map(expected.map((sequence, place) => [sequence, place]));
    const oracle = new SequenceOracle(places.size);
    for (const { sequence } of this.#deliveries) {
      const place = places.get(sequence);
      // Never acknowledged: whether it comes is nobody's promise.
      if (place !== undefined) oracle.receive(place);
    }
    const outages = this.#outages(published, connections);
    const isAway = (sequence: number): boolean => {
      const atNs = sentNs[sequence] ?? 0;
      return outages.some(({ fromNs, untilNs }) => atNs > fromNs && atNs < untilNs);
    };
    const away = expected.filter(isAway);
    const recovered = away.filter((sequence) => this.#seen.has(sequence)).length;
    const lostWhileAway = away.length - recovered;
    const recoveryNs = this.#recoveries(published, connections);
    const neverBack = connections.faults.length - recoveryNs.length;
    return { ...oracle.count(), lostWhileAway, recovered, recoveryNs, neverBack };
  }

  /** From the sending of the last it had on one connection to the opening of the next. */
  #outages({ sentNs }: PublishedLog, { openedNs }: ConnectionLog) {
    return openedNs.map((_, connection) => {
      let fromNs = openedNs[connection] ?? 0;
      for (const { sequence, connection: by } of this.#deliveries) {
        if (by <= connection) fromNs = Math.max(fromNs, sentNs[sequence] ?? 0);
      }
      return { fromNs, untilNs: openedNs[connection + 1] ?? Number.POSITIVE_INFINITY };
    });
  }

  #recoveries({ sentNs }: PublishedLog, { faults }: ConnectionLog): number[] {
    return faults.flatMap(({ fromNs, doneNs }) => {
      const isNew = ({ sequence }: Delivery): boolean => (sentNs[sequence] ?? 0) > doneNs;
      const back = this.#deliveries.find(isNew);
      return back === undefined ? [] : [back.receivedNs - fromNs];
    });
  }
}
