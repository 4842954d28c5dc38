import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Level } from "../support/mqtt/packets.ts";
import { ModelClient } from "../support/mqtt/model-client.ts";
import type { ModelQoS } from "../support/mqtt/session-model.ts";
import { type MqttServer, startMqtt } from "../support/mqtt-server.ts";

/** Runs that are the same every time, and one that is not, unless `TEST_SEED` repeats it. */
const FIXED_SEEDS = [1, 20_260, 777_777] as const;
const RANDOM_SEED = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
const RUNS_PER_SEED = Number(process.env.TEST_MODEL_RUNS ?? 30);
const DEADLINE_MS = 5_000;

/** So small that it fills while acknowledgements are withheld. */
const MAX_INFLIGHT = 4;

const CLIENTS = 3;

const who = fc.nat(CLIENTS - 1);
const topic = fc.constantFrom("t/1", "t/2", "u");
const filter = fc.constantFrom("t/1", "t/2", "t/+", "#");
const qos = fc.constantFrom<ModelQoS[]>(0, 1, 1, 2, 2);
const times = fc.integer({ min: 1, max: 4 });
const message = { who, topic, qos };

/** Weights keep about half of the clients connected, and let those who are away stay so for a while. */
const step = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      is: fc.constant("connect"),
      ...{ who, isClean: fc.boolean(), isKept: fc.boolean() },
    }),
  },
  // Like clients do that mean to keep their session.
  { weight: 6, arbitrary: fc.record({ is: fc.constant("return"), who }) },
  fc.record({ is: fc.constant("disconnect"), who }),
  fc.record({ is: fc.constant("drop"), who }),
  { weight: 5, arbitrary: fc.record({ is: fc.constant("subscribe"), who, filter, qos }) },
  fc.record({ is: fc.constant("unsubscribe"), who, filter }),
  { weight: 12, arbitrary: fc.record({ is: fc.constant("publish"), ...message, times }) },
  fc.record({ is: fc.constant("publishAndDrop"), ...message }),
  fc.record({ is: fc.constant("breakOff"), ...message, at: fc.nat(12) }),
  { weight: 3, arbitrary: fc.record({ is: fc.constant("withhold"), who }) },
  fc.record({ is: fc.constant("acknowledge"), who }),
  { weight: 2, arbitrary: fc.record({ is: fc.constant("acknowledgeAndDrop"), who }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("repeat"), who }) },
);

type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

/** How often the bus has accepted each payload. */
type Accepted = Map<string, { readonly qos: ModelQoS; readonly times: number }>;

/** The engine and its clients; what the bus accepts is read at its log, beside the engine. */
class World {
  readonly #clients: readonly ModelClient[];
  readonly #server: MqttServer;
  readonly #accepted: Accepted;
  #lastPayload = 0;

  private constructor(server: MqttServer, clients: readonly ModelClient[], accepted: Accepted) {
    this.#server = server;
    this.#clients = clients;
    this.#accepted = accepted;
  }

  static async start(levels: readonly Level[]): Promise<World> {
    const accepted: Accepted = new Map();
    const clients: ModelClient[] = [];
    const server = await startMqtt({
      options: { engine: "native", maxInflight: MAX_INFLIGHT },
      wrapLog: (log) => {
        const append = log.append.bind(log);
        log.append = (draft, receipt) => {
          const payload = Buffer.from(draft.payload).toString();
          accepted.set(payload, { qos: draft.qos, times: (accepted.get(payload)?.times ?? 0) + 1 });
          // Within the fan-out, so that the sessions are what they are at this moment.
          const seen = { topic: draft.topic, payload, qos: draft.qos };
          for (const { session } of clients) session?.accepted(seen);
          append(draft, receipt);
        };
        return log;
      },
    });
    clients.push(...levels.map((level, i) => new ModelClient(server.port, `client${i}`, level)));
    return new World(server, clients, accepted);
  }

  async take(step: Step): Promise<void> {
    if (step.is === "connect") await this.#client(step.who).connect(step.isClean, step.isKept);
    else if (step.is === "return") await this.#client(step.who).connect(false, true);
    else await this.#act(await this.#someoneConnected(step.who), step);
    await this.#settled();
  }

  async #act(client: ModelClient, step: Step): Promise<void> {
    switch (step.is) {
      case "disconnect":
        await client.disconnect();
        break;
      case "drop":
        client.drop();
        break;
      case "subscribe":
        await client.subscribe(step.filter, step.qos);
        break;
      case "unsubscribe":
        await client.unsubscribe(step.filter);
        break;
      case "withhold":
        client.withhold();
        break;
      case "acknowledge":
        await client.acknowledge();
        break;
      case "acknowledgeAndDrop":
        client.drop(client.owedAnswers);
        break;
      case "repeat":
        await client.repeat();
        break;
      default:
        if (!("topic" in step)) break;
        await this.#publish(client, step);
        // More of the same follow; after the other kinds there is no connection for them.
        if (!("times" in step)) break;
        for (let time = 1; time < step.times; time += 1) await this.#publish(client, step);
    }
  }

  /** Everyone who has a session returns and takes what it is owed; then all leave for good. */
  async finish(): Promise<void> {
    for (const client of this.#clients) {
      if (client.session !== null && !client.isConnected) await client.connect(false, true);
    }
    await this.#completeAll();
    // What is completed is not sent again.
    for (const client of this.#clients) {
      if (client.session?.isKept !== true) continue;
      client.drop();
      await this.#settled();
      expect(await client.connect(false, true)).toBe(0);
    }
    const twice = [...this.#accepted].filter(([, { qos, times }]) => qos !== 1 && times > 1);
    expect(twice).toEqual([]);
    for (const client of this.#clients) {
      expect(client.session?.missing() ?? []).toEqual([]);
      if (client.isConnected) expect(client.openPackets).toBe(0);
      expect(client.unreleased).toBe(0);
      await client.connect(true, false);
      await client.disconnect();
    }
    await this.#settled();
    expect(this.#server.bus.subscriptionCount).toBe(0);
    expect(this.#server.bus.indexSize).toBe(0);
  }

  /** Idempotent as the server's is; fails when something is left there. */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.drop();
    await this.#server.stop();
  }

  async #completeAll(): Promise<void> {
    for (let count = 1; count > 0; ) {
      count = 0;
      for (const client of this.#clients) {
        await client.acknowledge();
        count += await client.settle();
      }
    }
  }

  async #publish(
    client: ModelClient,
    step: Step & { readonly topic: string; readonly qos: ModelQoS },
  ): Promise<void> {
    this.#lastPayload += 1;
    const payload = `${this.#lastPayload}`;
    const packet = client.compose(step.topic, payload, step.qos);
    if (packet === null) return;
    if (step.is === "publish") await client.publish(packet);
    else if (step.is === "publishAndDrop") client.drop(packet);
    else if (step.is === "breakOff") client.drop(packet.subarray(0, step.at % packet.length));
    await this.#settled();
    const accepted = this.#accepted.get(payload)?.times ?? 0;
    // What arrives whole before the connection breaks may count or not; half a packet never does.
    if (step.is === "publish") expect(accepted).toBe(1);
    else if (step.is === "breakOff") expect(accepted).toBe(0);
    else expect(accepted).toBeLessThanOrEqual(1);
  }

  /** The server knows who is connected, and everyone has what there is for it. */
  async #settled(): Promise<void> {
    const deadline = Date.now() + DEADLINE_MS;
    const connected = this.#clients.filter(({ isConnected }) => isConnected).length;
    while (this.#server.sessions.count !== connected) {
      if (Date.now() > deadline) throw new Error("the server has not noticed who is gone");
      await turn();
    }
    await Promise.all(this.#clients.map((client) => client.settle()));
  }

  /** One of those who are connected; with none, one who is from now on. */
  async #someoneConnected(who: number): Promise<ModelClient> {
    const connected = this.#clients.filter(({ isConnected }) => isConnected);
    const chosen = connected[who % connected.length];
    if (chosen !== undefined) return chosen;
    await this.#client(who).connect(false, true);
    return this.#client(who);
  }

  #client(index: number): ModelClient {
    const client = this.#clients[index];
    if (client === undefined) throw new Error(`there is no client ${index}`);
    return client;
  }
}

const levels = fc.array(fc.constantFrom<Level[]>(4, 5), {
  minLength: CLIENTS,
  maxLength: CLIENTS,
});

test.each([...FIXED_SEEDS, RANDOM_SEED])(
  "clients that do anything in any order get what they are owed, once or at least once, in order (seed %i)",
  async (seed) => {
    const property = fc.asyncProperty(
      levels,
      fc.array(step, { minLength: 10, maxLength: 60, size: "max" }),
      async (versions, steps) => {
        const world = await World.start(versions);
        try {
          for (const each of steps) await world.take(each);
          await world.finish();
        } finally {
          await world.stop();
        }
      },
    );
    await fc.assert(property, { seed, numRuns: RUNS_PER_SEED });
  },
);
