import { writeStamp } from "../wire/stamp.ts";
import type { DriverContext, OpenReader, Publisher } from "./driver/driver.ts";
import { type BlockSetup, blockFilter, blockTopic, type ColdStart } from "./load.ts";
import { monotonicNs } from "./pacer.ts";
import { readingsPayload } from "./payload.ts";

/** Past it a connection has failed to bring what was waiting for it. */
const FIRST_MESSAGE_DEADLINE_MS = 10_000;

/** What connecting from cold needs. */
export interface ColdStartParts {
  readonly setup: BlockSetup;
  readonly open: OpenReader;
  readonly contextOf: (index: number) => DriverContext;
  readonly count: number;
}

/**
 * Opens readers one after the other and times each until the retained message that waits for it: the
 * way of a client that wants to know the state of things, with no publisher's schedule in it.
 */
export async function coldStarts(parts: ColdStartParts): Promise<readonly ColdStart[]> {
  const { setup, open, contextOf, count } = parts;
  const starts: ColdStart[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedAtNs = monotonicNs();
    let messageAt: (at: number) => void = () => undefined;
    const first = new Promise<number>((resolve) => {
      messageAt = resolve;
    });
    const reader = await open(
      contextOf(index),
      { filter: blockFilter(setup.run), start: { from: "now", wantsRetained: true } },
      (_payload, at) => messageAt(at),
    );
    const openNs = monotonicNs() - startedAtNs;
    try {
      starts.push({ openNs, messageNs: (await within(first)) - startedAtNs });
    } finally {
      await reader.close();
    }
  }
  return starts;
}

/** Has each publisher leave a retained message on its topic. */
export async function leaveRetained(
  { run, payloadBytes, seed }: BlockSetup,
  publishers: ReadonlyMap<number, Publisher>,
): Promise<void> {
  for (const [position, publisher] of publishers) {
    const payload = readingsPayload(payloadBytes, seed);
    const now = monotonicNs();
    writeStamp(payload, { run, stream: position, sequence: 0, intendedNs: now, sentNs: now });
    await publisher.publish({ topic: blockTopic(run, position), payload, isRetained: true });
  }
}

/** Takes back what {@link leaveRetained} left: an empty payload clears [MQTT-3.3.1-6]. */
export async function clearRetained(
  { run }: BlockSetup,
  publishers: ReadonlyMap<number, Publisher>,
): Promise<void> {
  const payload = new Uint8Array(0);
  for (const [position, publisher] of publishers) {
    await publisher.publish({ topic: blockTopic(run, position), payload, isRetained: true });
  }
}

function within(first: Promise<number>): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no retained message came within ${FIRST_MESSAGE_DEADLINE_MS} ms`)),
      FIRST_MESSAGE_DEADLINE_MS,
    );
    void first.then((at) => {
      clearTimeout(timer);
      resolve(at);
    });
  });
}
