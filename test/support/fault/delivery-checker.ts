import type {
  Attempt,
  Delivery,
  History,
  LogEntry,
  PublisherRecord,
  ReaderRecord,
  ToldGap,
  Violation,
  ViolationKind,
} from "./history.ts";
import { firstMisfit } from "./subsequence.ts";

/**
 * Judges a run from outside: what was offered, acknowledged, logged and delivered. Empty when nothing
 * acknowledged was lost, each publisher's order was kept, nothing was invented, duplicates came only
 * where they may, and every hole was told as a gap.
 */
export function findViolations(history: History): Violation[] {
  return new DeliveryChecker(history).check();
}

class DeliveryChecker {
  readonly #history: History;
  readonly #violations: Violation[] = [];
  /** Publisher of each payload that was ever offered. */
  readonly #publishers = new Map<string, PublisherRecord>();
  readonly #topics = new Map<string, string>();
  /** Offsets of each payload in the log, rising. */
  readonly #offsets = new Map<string, number[]>();
  readonly #logByOffset = new Map<number, LogEntry>();

  constructor(history: History) {
    this.#history = history;
    for (const publisher of history.publishers) {
      for (const { payload, topic } of publisher.attempts) {
        this.#publishers.set(payload, publisher);
        this.#topics.set(payload, topic);
      }
    }
    for (const entry of history.log) {
      const offsets = this.#offsets.get(entry.payload) ?? [];
      offsets.push(entry.offset);
      this.#offsets.set(entry.payload, offsets);
      this.#logByOffset.set(entry.offset, entry);
    }
  }

  check(): Violation[] {
    const { publishers, readers, log } = this.#history;
    this.#checkOffered("the log", log);
    this.#checkOrder("the log", log);
    this.#checkOffsetsRise("the log", log);
    for (const gap of this.#history.logGaps) this.#report("needless_gap", `the log: ${tell(gap)}`);
    for (const publisher of publishers) this.#checkPublisher(publisher);
    for (const reader of readers) this.#checkReader(reader);
    this.#checkRetained();
    return this.#violations;
  }

  #report(kind: ViolationKind, text: string): void {
    this.#violations.push({ kind, text });
  }

  #checkPublisher({ name, promise, acknowledgements, attempts }: PublisherRecord): void {
    for (const { payload, offset } of acknowledgements) {
      const offsets = this.#offsets.get(payload);
      if (offsets === undefined) this.#report("lost", `${name}: ${short(payload)} at ${offset}`);
      else if (offset !== null && !offsets.includes(offset))
        this.#report("misplaced", `${name}: ${short(payload)} at ${offset}, log has ${offsets}`);
    }
    if (promise !== "once") return;
    for (const payload of new Set(attempts.map((attempt) => attempt.payload))) {
      const offsets = this.#offsets.get(payload) ?? [];
      if (offsets.length > 1)
        this.#report("duplicated", `the log: ${short(payload)} of ${name} at ${offsets}`);
    }
  }

  #checkReader(reader: ReaderRecord): void {
    const { name, kind } = reader;
    const deliveries = reader.events.filter((event) => event.is === "message");
    this.#checkOffered(name, deliveries);
    this.#checkSessionPresent(reader);
    // Members of a group share its messages out, and one may get back what another left.
    if (kind !== "group") {
      for (const stretch of connections(reader)) this.#checkOrder(name, stretch);
      this.#checkOrder(`${name}, first seen`, firstSightings(deliveries));
    }
    if (kind === "cursor") this.#checkPositions(reader);
    else this.#checkExactlyOnce(reader, deliveries);
    this.#checkComplete(reader, deliveries);
  }

  #checkOffered(where: string, messages: readonly Attempt[]): void {
    for (const { payload, topic } of messages) {
      if (this.#topics.get(payload) !== topic)
        this.#report("invented", `${where}: ${short(payload)} on ${topic}`);
    }
  }

  /** What comes of one publisher must be a part of what it sent, retries included, in that order. */
  #checkOrder(where: string, messages: readonly Attempt[]): void {
    const streams = new Map<PublisherRecord, string[]>();
    for (const { payload } of messages) {
      const publisher = this.#publishers.get(payload);
      if (publisher === undefined) continue;
      const stream = streams.get(publisher) ?? [];
      stream.push(payload);
      streams.set(publisher, stream);
    }
    for (const [publisher, stream] of streams) {
      const sent = publisher.attempts.map((attempt) => attempt.payload);
      const wrong = firstMisfit(stream, sent);
      if (wrong === null) continue;
      const around = stream.slice(Math.max(0, wrong - 2), wrong + 1).map(short);
      this.#report("reordered", `${where}: of ${publisher.name}: ${around.join(", ")}`);
    }
  }

  #checkOffsetsRise(where: string, entries: readonly { readonly offset: number | null }[]): void {
    let last = 0;
    for (const { offset } of entries) {
      if (offset === null) continue;
      if (offset <= last) this.#report("duplicated", `${where}: offset ${offset} after ${last}`);
      last = offset;
    }
  }

  #checkSessionPresent({ name, kind, events }: ReaderRecord): void {
    if (kind === "cursor") return;
    const connected = events.filter((event) => event.is === "connected").slice(1);
    const forgotten = connected.filter((event) => event.sessionPresent === false).length;
    if (forgotten > 0) this.#report("session_forgotten", `${name}: ${forgotten} times`);
  }

  /** Offsets rise between gaps, and a gap is told only to whoever has what the log has not. */
  #checkPositions({ name, events }: ReaderRecord): void {
    let stretch: Delivery[] = [];
    let last: Delivery | null = null;
    for (const event of events) {
      if (event.is === "message") {
        stretch.push(event);
        last = event;
      }
      if (event.is !== "gap") continue;
      this.#checkOffsetsRise(name, stretch);
      stretch = [];
      if (!this.#isExplained(event, last)) {
        this.#report("needless_gap", `${name}: ${tell(event)}`);
      }
    }
    this.#checkOffsetsRise(name, stretch);
  }

  /**
   * A gap of reason `epoch` is right when the reader was ahead of what the crash left: then what it
   * has at its position is not what the log has there.
   */
  #isExplained(gap: ToldGap, last: Delivery | null): boolean {
    if (!this.#history.hadCrash) return false;
    if (gap.reason !== "epoch") return false;
    if (last === null || last.offset !== gap.from) return true;
    const entry = this.#logByOffset.get(gap.from);
    return entry?.payload !== last.payload || entry.acceptedAt !== last.acceptedAt;
  }

  /** Published and granted with QoS 2: as often as it is in the log, over all connections. */
  #checkExactlyOnce({ name, qos }: ReaderRecord, deliveries: readonly Delivery[]): void {
    if (qos !== 2) return;
    const counts = new Map<string, number>();
    for (const { payload } of deliveries) {
      if (this.#publishers.get(payload)?.qos !== 2) continue;
      counts.set(payload, (counts.get(payload) ?? 0) + 1);
    }
    for (const [payload, count] of counts) {
      const inLog = this.#offsets.get(payload)?.length ?? 0;
      if (count > inLog)
        this.#report(
          "duplicated",
          `${name}: ${short(payload)} ${count} times, in the log ${inLog}`,
        );
    }
  }

  #checkComplete({ name, kind, events }: ReaderRecord, deliveries: readonly Delivery[]): void {
    const gaps = events.filter((event) => event.is === "gap");
    const seen = new Set(deliveries.map((each) => identity(each, kind === "cursor")));
    for (const entry of this.#history.log) {
      if (seen.has(identity(entry, kind === "cursor"))) continue;
      const isTold = gaps.some((gap) => entry.offset > gap.from && entry.offset < gap.earliest);
      if (!isTold)
        this.#report("undelivered", `${name}: ${short(entry.payload)} at ${entry.offset}`);
    }
  }

  #checkRetained(): void {
    const last = new Map<string, string>();
    for (const { topic, payload } of this.#history.log) last.set(topic, payload);
    for (const [topic, payload] of this.#history.retained) {
      const expected = last.get(topic) ?? null;
      if (payload !== expected)
        this.#report("stale_retained", `${topic}: ${short(payload)}, not ${short(expected)}`);
    }
  }
}

/** A reader by cursor has to see every offset; a session every message, as often as it likes. */
function identity(
  { offset, payload }: { readonly offset: number | null; readonly payload: string },
  isByOffset: boolean,
): string {
  return isByOffset ? `${offset} ${payload}` : payload;
}

/** What is new keeps its order even where connections repeat what was sent before. */
function firstSightings(deliveries: readonly Delivery[]): Delivery[] {
  const seen = new Set<string>();
  return deliveries.filter(({ payload }) => !seen.has(payload) && seen.add(payload));
}

function connections({ events }: ReaderRecord): Delivery[][] {
  const stretches: Delivery[][] = [[]];
  for (const event of events) {
    if (event.is === "connected" || event.is === "gap") stretches.push([]);
    else stretches.at(-1)?.push(event);
  }
  return stretches;
}

function tell({ reason, from, earliest }: ToldGap): string {
  return `${reason} from ${from}, earliest ${earliest}`;
}

/** Payloads are padded; their beginning names them. */
function short(payload: string | null): string {
  return payload === null ? "none" : payload.slice(0, 40);
}
