import { expect, test } from "vitest";
import type {
  Drivers,
  OnPayload,
  OpenPublisher,
  OpenReader,
} from "../../src/compare/driver/driver.ts";
import { monotonicNs } from "../../src/compare/pacer.ts";
import { buildReport, formatReport } from "../../src/compare/report.ts";
import { type RunResult, runPlan } from "../../src/compare/runner.ts";
import { newStampPayload, writeStamp } from "../../src/wire/stamp.ts";
import { planPoint } from "../support/plan-point.ts";

const PLAN = planPoint({
  ratePerSecond: 100,
  payloadBytes: 64,
  warmUpSeconds: 0.05,
  windowSeconds: 0.2,
  blocks: 1,
  settleSeconds: 0.3,
  ingress: ["http", "tcp"],
  egress: ["sse", "mqtt"],
  validity: { maxSendDelayMs: 5_000, maxLoopDelayMs: 5_000 },
});
/** Messages of the window, of each publisher. */
const COUNT = 20;

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
  readonly readers = new Map<string, OnPayload>();
  open = 0;
  deliver: (name: string, onPayload: OnPayload, payload: Uint8Array) => void = (
    _name,
    onPayload,
    payload,
  ) => onPayload(payload, monotonicNs());
  publish: () => Promise<void> = async () => undefined;

  readonly #close = async () => {
    this.open -= 1;
  };

  readonly openPublisher: OpenPublisher = async () => {
    this.open += 1;
    return {
      publish: (_topic, payload) => {
        for (const [name, onPayload] of this.readers) this.deliver(name, onPayload, payload);
        return this.publish();
      },
      close: this.#close,
    };
  };

  reader(name: string): OpenReader {
    return async (_context, _filter, onPayload) => {
      this.open += 1;
      this.readers.set(name, onPayload);
      return { close: this.#close };
    };
  }

  get drivers(): Drivers {
    const publish = this.openPublisher;
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

function run(gateway: FakeGateway, signal = new AbortController().signal): Promise<RunResult> {
  const onProgress = () => undefined;
  return runPlan(PLAN, { targets: TARGETS, drivers: gateway.drivers, signal, onProgress });
}

function pairOf(result: RunResult, ingress: string, egress: string) {
  return result.pairs.find((pair) => pair.ingress === ingress && pair.egress === egress)?.record;
}

test("a run in which everything arrives is valid and ranks its pairs", async () => {
  const gateway = new FakeGateway();
  const result = await run(gateway);
  expect(result.voidReasons).toEqual([]);
  expect(result.pairs).toHaveLength(4);
  for (const { record } of result.pairs) expect(record).toMatchObject({ received: COUNT, lost: 0 });
  expect(formatReport(buildReport(result))).toContain("p50 ms");
  expect(gateway.open).toBe(0);
});

test("one lost message voids the run, and no ranking is printed", async () => {
  const gateway = new FakeGateway();
  let hasLost = false;
  let seen = 0;
  gateway.deliver = (name, onPayload, payload) => {
    seen += 1;
    if (name === "sse" && seen > 50 && !hasLost) hasLost = true;
    else onPayload(payload, monotonicNs());
  };
  const result = await run(gateway);
  expect(result.voidReasons).toEqual(["1 messages were lost"]);
  expect(formatReport(buildReport(result))).not.toContain("p50");
});

test("second copies are counted for the pair that had them", async () => {
  const gateway = new FakeGateway();
  gateway.deliver = (name, onPayload, payload) => {
    onPayload(payload, monotonicNs());
    if (name === "mqtt") onPayload(payload, monotonicNs());
  };
  const result = await run(gateway);
  expect(pairOf(result, "http", "mqtt")?.duplicates).toBe(COUNT);
  expect(pairOf(result, "http", "sse")?.duplicates).toBe(0);
});

test("a second copy that comes after everything else is still counted", async () => {
  const gateway = new FakeGateway();
  gateway.deliver = (name, onPayload, payload) => {
    onPayload(payload, monotonicNs());
    if (name === "sse") setTimeout(() => onPayload(payload, monotonicNs()), 50);
  };
  const result = await run(gateway);
  expect(pairOf(result, "tcp", "sse")?.duplicates).toBe(COUNT);
});

test("a refused publish voids the run and its cause is kept", async () => {
  const gateway = new FakeGateway();
  let calls = 0;
  gateway.publish = async () => {
    calls += 1;
    if (calls === 10) throw new Error("rate_limited: slow down");
  };
  const result = await run(gateway);
  expect(result.voidReasons).toEqual(["1 publishes failed"]);
  expect(formatReport(buildReport(result))).toContain("first failure: rate_limited: slow down");
});

test("payloads of another run are not counted", async () => {
  const gateway = new FakeGateway();
  const foreign = newStampPayload(64);
  writeStamp(foreign, { run: 1, stream: 0, sequence: 20, intendedNs: 1, sentNs: 1 });
  gateway.deliver = (_name, onPayload, payload) => {
    onPayload(foreign, monotonicNs());
    onPayload(new Uint8Array(3), monotonicNs());
    onPayload(payload, monotonicNs());
  };
  const result = await run(gateway);
  for (const { record } of result.pairs) expect(record).toMatchObject({ duplicates: 0, lost: 0 });
});

test("a connection that fails ends the run, with everything closed", async () => {
  const gateway = new FakeGateway();
  const drivers: Drivers = {
    ...gateway.drivers,
    readers: {
      ...gateway.drivers.readers,
      sse: async (context, filter, onPayload) => {
        setTimeout(() => context.onFailure(new Error("the stream ended")), 250);
        return gateway.reader("sse")(context, filter, onPayload);
      },
    },
  };
  const attempt = runPlan(PLAN, {
    targets: TARGETS,
    drivers,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  await expect(attempt).rejects.toThrow("the stream ended");
  expect(gateway.open).toBe(0);
});

test("a reader that cannot connect fails the run, with the others closed", async () => {
  const gateway = new FakeGateway();
  const drivers: Drivers = {
    ...gateway.drivers,
    readers: {
      ...gateway.drivers.readers,
      mqtt: async () => {
        throw new Error("refused");
      },
    },
  };
  const { signal } = new AbortController();
  const parts = { targets: TARGETS, drivers, signal, onProgress: () => undefined };
  await expect(runPlan(PLAN, parts)).rejects.toThrow("refused");
  expect(gateway.open).toBe(0);
});

test("an interrupted run ends at once", async () => {
  const gateway = new FakeGateway();
  const abort = new AbortController();
  gateway.publish = async () => abort.abort(new Error("ended by SIGINT"));
  await expect(run(gateway, abort.signal)).rejects.toThrow("ended by SIGINT");
  expect(gateway.open).toBe(0);
});
