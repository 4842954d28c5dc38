import { afterAll, beforeAll, expect, test } from "vitest";
import type { Reader, Targets } from "../../src/compare/driver/driver.ts";
import { DRIVERS } from "../../src/compare/driver/drivers.ts";
import { monotonicNs } from "../../src/compare/pacer.ts";
import { readingsPayload } from "../../src/compare/payload.ts";
import { INGRESS_NAMES } from "../../src/compare/plan.ts";
import { DEFAULT_FACTORS } from "../../src/compare/plan-factors.ts";
import { adjustedInterval, type BlockDifference } from "../../src/compare/statistics/interval.ts";
import { noiseFloor } from "../../src/compare/statistics/noise-floor.ts";
import { Random } from "../../src/compare/statistics/random.ts";
import { median } from "../../src/compare/statistics/summary.ts";
import { writeStamp } from "../../src/wire/stamp.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { TWIN_READERS, twinPublisher, twinReader } from "../support/raw-twin.ts";
import { exchangeThroughTaps, TWENTY_BYTES, targetsOf } from "../support/tapped-exchange.ts";

/** Below ten, so that numbers of commands take one digit. */
const MESSAGES = 8;
const PAYLOAD_BYTES = 200;

let gateway: RunningGateway;
let targets: Targets;

beforeAll(async () => {
  gateway = await startGateway();
  targets = targetsOf(gateway);
  // From here on offsets have three digits, and acknowledgements one length.
  const options = { ingress: "tcp", egress: "tcp", payloadBytes: PAYLOAD_BYTES } as const;
  await exchangeThroughTaps(targets, { ...options, messages: 100 });
});

afterAll(() => gateway.stop());

test.each(INGRESS_NAMES)(
  "the %s driver sends to the byte what a bare socket would",
  async (ingress) => {
    const options = {
      ingress,
      egress: "tcp",
      payloadBytes: PAYLOAD_BYTES,
      messages: MESSAGES,
    } as const;
    const byDriver = await exchangeThroughTaps(targets, options);
    const openPublisher = twinPublisher(ingress);
    const byHand = await exchangeThroughTaps(targets, { ...options, openPublisher });
    expect(byDriver.ingress.bytes).toEqual(byHand.ingress.bytes);
  },
);

test.each(TWIN_READERS)(
  "the %s driver reads to the byte what a bare socket would",
  async (egress) => {
    const options = {
      ingress: "tcp",
      egress,
      payloadBytes: PAYLOAD_BYTES,
      messages: MESSAGES,
    } as const;
    const byDriver = await exchangeThroughTaps(targets, options);
    const openReader = twinReader(egress, PAYLOAD_BYTES);
    const byHand = await exchangeThroughTaps(targets, { ...options, openReader });
    const { payload, framing, acknowledgement, handshake } = byDriver.egress.bytes;
    expect({ payload, framing, acknowledgement, handshake }).toEqual({
      payload: byHand.egress.bytes.payload,
      framing: byHand.egress.bytes.framing,
      acknowledgement: byHand.egress.bytes.acknowledgement,
      handshake: byHand.egress.bytes.handshake,
    });
  },
);

/**
 * The least noise floor that runs have shown: within one process, as here, readers differ by a tenth of
 * that, and what a driver must not exceed is what a run can see.
 */
const LEAST_FLOOR_OF_A_RUN_NS = 13_000;
const BLOCKS = 12;
const PER_BLOCK = 15;
/** Three readers to be told apart: the driver, the same again, and its twin. */
const ROLES = ["driver", "again", "twin"] as const;

/** Latencies of one block by role, of messages one after the other, and the roles' places. */
async function block(egress: (typeof TWIN_READERS)[number], order: readonly string[]) {
  const latencies = new Map<string, number[]>(ROLES.map((role) => [role, []]));
  const readers: Reader[] = [];
  let sentNs = 0;
  let missing = 0;
  let done: () => void = () => undefined;
  const context = (clientId: string) => ({
    targets,
    factors: DEFAULT_FACTORS,
    clientId,
    onFailure: () => undefined,
  });
  const subscription = {
    filter: TWENTY_BYTES,
    start: { from: "now", wantsRetained: false },
  } as const;
  for (const role of order) {
    const open = role === "twin" ? twinReader(egress, PAYLOAD_BYTES) : DRIVERS.readers[egress];
    const reader = await open(context(role), subscription, (_payload, at) => {
      latencies.get(role)?.push(at - sentNs);
      missing -= 1;
      if (missing === 0) done();
    });
    readers.push(reader);
  }
  const publisher = await twinPublisher("tcp")(context("publisher"));
  for (let sequence = 0; sequence < PER_BLOCK; sequence += 1) {
    const payload = readingsPayload(PAYLOAD_BYTES, 1);
    missing = ROLES.length;
    const all = new Promise<void>((resolve) => {
      done = resolve;
    });
    sentNs = monotonicNs();
    writeStamp(payload, { run: 1, stream: 0, sequence, intendedNs: sentNs, sentNs });
    await Promise.all([publisher.publish({ topic: TWENTY_BYTES, payload }), all]);
  }
  await Promise.all([...readers, publisher].map((each) => each.close()));
  return latencies;
}

test.each(TWIN_READERS)(
  "the %s driver adds less to a bare socket's latency than the noise of a run",
  async (egress) => {
    const random = new Random(7);
    const against: Record<"again" | "twin", BlockDifference[]> = { again: [], twin: [] };
    for (let index = 0; index < BLOCKS; index += 1) {
      const order = random.shuffled(ROLES);
      const latencies = await block(egress, order);
      const own = latencies.get("driver") ?? [];
      for (const role of ["again", "twin"] as const) {
        const other = latencies.get(role) ?? [];
        const differences = own.map((latency, message) => latency - (other[message] ?? Number.NaN));
        against[role].push({
          difference: median(differences),
          positionDifference: order.indexOf("driver") - order.indexOf(role),
        });
      }
    }
    const same = adjustedInterval(against.again);
    const added = adjustedInterval(against.twin);
    if (same === null || added === null) throw new Error("an interval needs two blocks");
    expect(added.low).toBeLessThan(Math.max(noiseFloor(same), LEAST_FLOOR_OF_A_RUN_NS));
  },
);
