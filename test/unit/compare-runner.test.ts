import { expect, test } from "vitest";
import { parseComparison } from "../../src/compare/comparison-schema.ts";
import type {
  Drivers,
  OnPayload,
  OpenPublisher,
  OpenReader,
  Outgoing,
} from "../../src/compare/driver/driver.ts";
import { GatewayProbe } from "../../src/compare/gateway-probe.ts";
import { LocalLoad } from "../../src/compare/local-load.ts";
import { monotonicNs } from "../../src/compare/pacer.ts";
import { type Plan, parsePlan } from "../../src/compare/plan.ts";
import type { Progress } from "../../src/compare/progress.ts";
import { isVoid } from "../../src/compare/report/standing.ts";
import { formatResult } from "../../src/compare/report/terminal.ts";
import { runPlan } from "../../src/compare/runner.ts";
import { newStampPayload, writeStamp } from "../../src/wire/stamp.ts";

/** Messages of a block, of each publisher. */
const COUNT = 4;
const BLOCKS = 12;
/** For what shows without a verdict. */
const FEW = 2;

function planWith(changes: Readonly<Record<string, unknown>> = {}): Plan {
  const plan = {
    name: "test",
    ratePerSecond: 100,
    payloadBytes: 64,
    warmUpSeconds: 0,
    windowSeconds: COUNT / 100,
    blocks: BLOCKS,
    settleSeconds: 0.2,
    costSeconds: 0,
    ingress: ["http", "tcp"],
    egress: ["sse", "mqtt"],
    validity: {
      maxSendDelayMs: 5_000,
      maxLoopDelayMs: 5_000,
      maxGatewayLoopDelayMs: 5_000,
    },
    ...changes,
  };
  // JSON is YAML.
  return parsePlan(JSON.stringify(plan), "test");
}

const TARGETS = {
  httpUrl: "",
  websocketUrl: "",
  mqttWebsocketUrl: "",
  tls: {},
  mqttUrl: "",
  tcpUrl: null,
};

/** A gateway made of a function: what becomes of each message on its way to each reader. */
class FakeGateway {
  readonly readers = new Map<string, { name: string; onPayload: OnPayload }>();
  readonly opened: string[] = [];
  readonly sent: string[] = [];
  open = 0;
  started = 0;
  deliver: (name: string, onPayload: OnPayload, payload: Uint8Array) => void = (
    _name,
    onPayload,
    payload,
  ) => onPayload(payload, monotonicNs());
  publish: () => Promise<void> = async () => undefined;
  fail: ((cause: Error) => void) | null = null;

  readonly #openPublisher: OpenPublisher = async (context) => {
    this.open += 1;
    this.fail = context.onFailure;
    return {
      publish: ({ payload, topic }: Outgoing) => {
        this.sent.push(topic);
        for (const { name, onPayload } of [...this.readers.values()]) {
          this.deliver(name, onPayload, payload);
        }
        return this.publish();
      },
      close: async () => {
        this.open -= 1;
      },
    };
  };

  reader(name: string): OpenReader {
    return async ({ clientId }, _subscription, onPayload) => {
      this.open += 1;
      this.opened.push(name);
      this.readers.set(clientId, { name, onPayload });
      const nothing = (): void => undefined;
      return {
        close: async () => {
          this.readers.delete(clientId);
          this.open -= 1;
        },
        pause: nothing,
        resume: nothing,
        reset: () => {
          this.open -= 1;
        },
        position: () => null,
      };
    };
  }

  get drivers(): Drivers {
    const publish = this.#openPublisher;
    return {
      publishers: {
        "mqtt-qos0": publish,
        "mqtt-qos1": publish,
        "mqtt-ws": publish,
        websocket: publish,
        "websocket-binary": publish,
        http: publish,
        tcp: publish,
      },
      readers: {
        mqtt: this.reader("mqtt"),
        "mqtt-ws": this.reader("mqtt-ws"),
        websocket: this.reader("websocket"),
        "websocket-binary": this.reader("websocket-binary"),
        sse: this.reader("sse"),
        poll: this.reader("poll"),
        "plain-poll": this.reader("plain-poll"),
        tcp: this.reader("tcp"),
      },
    };
  }
}

/** A run of `plan` with publishers and readers in two loads, as two processes would be. */
function run(
  gateway: FakeGateway,
  plan = planWith(),
  options: { signal?: AbortSignal; drivers?: Drivers; onProgress?: (each: Progress) => void } = {},
) {
  const drivers = options.drivers ?? gateway.drivers;
  return runPlan(plan, {
    startGateway: async () => {
      gateway.started += 1;
      return {
        targets: TARGETS,
        facts: { gatewayIsOwn: true },
        probe: new GatewayProbe(TARGETS, null),
        stop: async () => {
          gateway.started -= 1;
        },
      };
    },
    startLoads: () => ({ publishing: new LocalLoad(drivers), reading: new LocalLoad(drivers) }),
    facts: {},
    signal: options.signal ?? new AbortController().signal,
    onProgress: options.onProgress ?? (() => undefined),
  });
}

test("a run in which everything arrives is valid, ranks its pairs and reads back", async () => {
  const gateway = new FakeGateway();
  const result = await run(gateway);
  expect(result.points[0]?.voidReasons).toEqual([]);
  expect(isVoid(result)).toBe(false);
  expect(result.points[0]?.pairs).toHaveLength(4);
  for (const pair of result.points[0]?.pairs ?? []) {
    expect(pair).toMatchObject({ received: COUNT * BLOCKS, lost: 0 });
  }
  expect(formatResult(result)).toContain("Median latency");
  expect(parseComparison(JSON.parse(JSON.stringify(result)))).toEqual(result);
  expect(gateway).toMatchObject({ open: 0, started: 0 });
});

test("readers subscribe in the order that each block's design draws", async () => {
  const gateway = new FakeGateway();
  const result = await run(gateway);
  const drawn = result.points[0]?.blocks.flatMap(({ design }) =>
    design.readers.map(({ name }) => name),
  );
  expect(gateway.opened).toEqual(drawn);
  expect(
    new Set(result.points[0]?.blocks.map(({ design }) => JSON.stringify(design.readers))).size,
  ).toBeGreaterThan(2);
});

test("a block that loses a message is void and another one takes its place", async () => {
  const gateway = new FakeGateway();
  let isToLose = true;
  gateway.deliver = (name, onPayload, payload) => {
    // Past the lead-in of the first block.
    if (name === "sse" && isToLose && gateway.sent.length > 32) isToLose = false;
    else onPayload(payload, monotonicNs());
  };
  const result = await run(gateway);
  expect(result.points[0]?.blocks).toHaveLength(BLOCKS + 1);
  expect(result.points[0]?.blocks[0]?.voidReasons.join()).toMatch(/messages were lost/);
  expect(result.points[0]?.verdict).toBe("valid");
});

test("when too many blocks are void the run ends early, void, and no ranking is printed", async () => {
  const gateway = new FakeGateway();
  gateway.deliver = (name, onPayload, payload) => {
    if (name !== "sse") onPayload(payload, monotonicNs());
  };
  const result = await run(gateway, planWith({ settleSeconds: 0.01 }));
  expect(result.points[0]?.blocks).toHaveLength(5);
  expect(isVoid(result)).toBe(true);
  expect(formatResult(result)).toContain("messages were lost");
  expect(formatResult(result)).not.toContain("edian");
});

test("second copies are counted for the pair that had them, however late they come", async () => {
  const gateway = new FakeGateway();
  gateway.deliver = (name, onPayload, payload) => {
    onPayload(payload, monotonicNs());
    if (name === "mqtt") setTimeout(() => onPayload(payload, monotonicNs()), 50);
  };
  const result = await run(gateway, planWith({ blocks: FEW }));
  const duplicates = (egress: string) =>
    result.points[0]?.pairs.find((pair) => pair.ingress === "http" && pair.egress === egress)
      ?.duplicates;
  expect(duplicates("mqtt")).toBe(COUNT * FEW);
  expect(duplicates("sse")).toBe(0);
});

test("a refused publish voids its block and the cause is kept", async () => {
  const gateway = new FakeGateway();
  let calls = 0;
  gateway.publish = async () => {
    calls += 1;
    if (calls === 10) throw new Error("rate_limited: slow down");
  };
  const result = await run(gateway, planWith({ blocks: FEW }));
  expect(result.points[0]?.blocks[0]?.voidReasons).toEqual([
    "1 publishes failed, the first of: rate_limited: slow down",
  ]);
});

test("a connection that fails while messages flow voids its block", async () => {
  const gateway = new FakeGateway();
  let calls = 0;
  gateway.publish = async () => {
    calls += 1;
    if (calls === 10) gateway.fail?.(new Error("the stream ended"));
  };
  const result = await run(gateway, planWith({ blocks: FEW }));
  expect(result.points[0]?.blocks[0]?.voidReasons).toEqual([
    "a connection failed: the stream ended",
  ]);
});

test("payloads of another run are not counted", async () => {
  const gateway = new FakeGateway();
  const foreign = newStampPayload(64);
  writeStamp(foreign, { run: 1, stream: 0, sequence: 12, intendedNs: 1, sentNs: 1 });
  gateway.deliver = (_name, onPayload, payload) => {
    onPayload(foreign, monotonicNs());
    onPayload(new Uint8Array(3), monotonicNs());
    onPayload(payload, monotonicNs());
  };
  const result = await run(gateway, planWith({ blocks: FEW }));
  for (const pair of result.points[0]?.pairs ?? []) {
    expect(pair).toMatchObject({ duplicates: 0, lost: 0 });
  }
});

test("a crowd is opened with the others and not recorded", async () => {
  const gateway = new FakeGateway();
  const result = await run(
    gateway,
    planWith({ blocks: FEW, fanOut: 3, ingress: ["tcp"], egress: ["sse"] }),
  );
  // Three readers and the twin of the measured one.
  expect(gateway.opened).toHaveLength(4 * FEW);
  expect(result.points[0]?.pairs).toHaveLength(1);
  expect(result.points[0]?.pairs[0]).toMatchObject({ expected: COUNT * FEW, lost: 0 });
});

test("a sweep runs point after point, each against a gateway of its own", async () => {
  const gateway = new FakeGateway();
  const phases: Progress[] = [];
  const plan = planWith({ ratePerSecond: [100, 200], ingress: ["tcp"], blocks: FEW });
  const result = await run(gateway, plan, { onProgress: (each) => phases.push(each) });
  expect(result.points.map(({ factors }) => factors.ratePerSecond)).toEqual([100, 200]);
  expect(phases[0]?.phase).toBe("ratePerSecond 100: block 1 of 2");
  expect(phases.at(-1)?.phase).toMatch(/^ratePerSecond 200: block 2/);
  expect(phases.map(({ share }) => share)).toEqual(
    phases.map(({ share }) => share).toSorted((a, b) => a - b),
  );
});

test("batches leave together and stay at the plan's rate", async () => {
  const gateway = new FakeGateway();
  const result = await run(gateway, planWith({ blocks: FEW, batchSize: 4, ingress: ["http"] }));
  expect(result.points[0]?.pairs[0]).toMatchObject({ expected: COUNT * FEW, lost: 0 });
});

test("readers whose connection is reset come back, and how long that takes is told", async () => {
  const gateway = new FakeGateway();
  const experiment = { kind: "reconnect", fault: "reset", faultsPerBlock: 2 };
  const result = await run(gateway, planWith({ blocks: FEW, experiment, windowSeconds: 0.1 }));
  expect(result.points[0]?.recoveries).toHaveLength(2);
  for (const recovery of result.points[0]?.recoveries ?? []) {
    expect(recovery).toMatchObject({ resets: 2 * FEW, reopened: 2 * FEW });
  }
});

test("a reader that cannot connect fails the run, with the others closed", async () => {
  const gateway = new FakeGateway();
  const refused: OpenReader = async () => {
    throw new Error("refused");
  };
  const drivers = {
    ...gateway.drivers,
    readers: { ...gateway.drivers.readers, mqtt: refused },
  };
  await expect(run(gateway, planWith(), { drivers })).rejects.toThrow("refused");
  expect(gateway).toMatchObject({ open: 0, started: 0 });
});

test("an interrupted run ends at once", async () => {
  const gateway = new FakeGateway();
  const abort = new AbortController();
  gateway.publish = async () => abort.abort(new Error("ended by SIGINT"));
  await expect(run(gateway, planWith(), { signal: abort.signal })).rejects.toThrow(
    "ended by SIGINT",
  );
  expect(gateway).toMatchObject({ open: 0, started: 0 });
});
