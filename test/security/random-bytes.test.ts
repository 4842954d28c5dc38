import net from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closed } from "../support/closed.ts";
import { EGRESSES, INGRESSES } from "../support/contract/transports.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { maskedFrame, upgradeRequest } from "../support/raw-readers.ts";
import { SeededRandom } from "../support/seeded-random.ts";

/** Set to repeat a failed run; printed with every failure. */
const SEED = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
const BUDGET_MS = Number(process.env.TEST_FUZZ_MS ?? 5_000);
const CONNECTION_DEADLINE_MS = 2_000;

type Shape = (random: SeededRandom) => Buffer[];

function mutate(random: SeededRandom, valid: Buffer): Buffer {
  const mutated = Buffer.from(valid);
  for (let count = random.below(4); count >= 0; count -= 1) {
    mutated[random.below(mutated.length)] = random.below(256);
  }
  return random.below(3) === 0 ? mutated.subarray(0, random.below(mutated.length) + 1) : mutated;
}

const CONNECT = Buffer.from("101000044d5154540402003c000466757a7a", "hex");
const SUBSCRIBE = Buffer.from("82080001000361 2f2300".replace(" ", ""), "hex");
const PUBLISH = Buffer.from("320a0003612f620007706179", "hex");
const COMMAND = Buffer.from('{"type":"subscribe","id":1,"filter":"a/#"}');
const REQUEST = Buffer.from(
  "POST /v1/topics/a/b HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\n\r\npay",
);

const TARGETS: readonly { name: string; port: "http" | "mqtt" | "tcp"; shape: Shape }[] = [
  {
    name: "mqtt",
    port: "mqtt",
    shape: (random) => [
      random.below(4) === 0 ? mutate(random, CONNECT) : CONNECT,
      mutate(random, SUBSCRIBE),
      mutate(random, PUBLISH),
      random.bytes(random.below(64)),
    ],
  },
  {
    name: "mqtt over websocket",
    port: "http",
    shape: (random) => [
      upgradeRequest("/mqtt", "mqtt"),
      maskedFrame(2, CONNECT),
      maskedFrame(2, mutate(random, PUBLISH)),
      mutate(random, maskedFrame(2, SUBSCRIBE)),
    ],
  },
  {
    name: "websocket",
    port: "http",
    shape: (random) => [
      upgradeRequest("/ws", random.below(2) === 0 ? "tributary.v1.json" : "tributary.v1.binary"),
      maskedFrame(1 + random.below(2), mutate(random, COMMAND)),
      mutate(random, maskedFrame(1, COMMAND)),
      random.bytes(random.below(64)),
    ],
  },
  {
    name: "http",
    port: "http",
    shape: (random) => [mutate(random, REQUEST), random.bytes(random.below(64))],
  },
  {
    name: "tcp",
    port: "tcp",
    shape: (random) => [
      mutate(random, COMMAND),
      Buffer.from("\n"),
      random.bytes(random.below(64)),
      Buffer.from("\n"),
    ],
  },
];

let gateway: GatewayProcess;

beforeAll(async () => {
  gateway = await GatewayProcess.start();
});

afterAll(() => gateway.stop());

function portOf(name: "http" | "mqtt" | "tcp"): number {
  if (name === "tcp") return gateway.urls.tcp.port;
  return Number(new URL(name === "http" ? gateway.urls.http : gateway.urls.mqtt).port);
}

/** Sends the pieces and half-closes; the gateway may answer, close or wait, but not crash. */
async function send(port: number, pieces: readonly Buffer[]): Promise<void> {
  const socket = net.connect({ host: "127.0.0.1", port });
  // The gateway may reset what breaks its framing; that is an answer too.
  socket.on("error", () => socket.destroy());
  socket.setTimeout(CONNECTION_DEADLINE_MS, () => socket.destroy());
  socket.resume();
  for (const piece of pieces) socket.write(piece);
  socket.end();
  await closed(socket);
}

describe.each(TARGETS)("seeded random bytes on $name", (target) => {
  test(`leave the gateway alive and serving (seed ${SEED})`, async () => {
    const random = new SeededRandom(SEED);
    const deadline = performance.now() + BUDGET_MS;
    const workers = Array.from({ length: 8 }, async () => {
      while (performance.now() < deadline) await send(portOf(target.port), target.shape(random));
    });
    await Promise.all(workers);
    const ingress = INGRESSES.find((each) => each.name === "websocket json");
    const egress = EGRESSES.find((each) => each.name === "mqtt QoS 1");
    if (ingress === undefined || egress === undefined) throw new Error("no such transport");
    const reader = await egress.open(gateway.urls, ["after"]);
    const publisher = await ingress.open(gateway.urls);
    await publisher.publish("after", Buffer.from("alive"));
    expect(String((await reader.next()).payload)).toBe("alive");
    await publisher.close();
    await reader.close();
    expect(gateway.lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  });
});
