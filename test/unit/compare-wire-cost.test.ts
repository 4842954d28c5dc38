import { generate } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import type { WireAccount } from "../../src/compare/cost/account.ts";
import { CommandLineAccount } from "../../src/compare/cost/command-line-account.ts";
import { HttpAccount } from "../../src/compare/cost/http-account.ts";
import { keepAlivePerHour } from "../../src/compare/cost/idle-bytes.ts";
import { MqttAccount } from "../../src/compare/cost/mqtt-account.ts";
import { CostTable } from "../../src/compare/cost/cost-table.ts";
import { type CauseBytes, NO_BYTES, WireTally } from "../../src/compare/cost/wire-tally.ts";
import { readingsPayload } from "../../src/compare/payload.ts";
import { Schedule } from "../../src/compare/schedule.ts";
import { STAMP_BYTES } from "../../src/wire/stamp.ts";

const TOPIC = "compare/0000001/0000";

/** What is charged for bytes, given whole and again byte by byte: cuts must not matter. */
function charged(
  create: (tally: WireTally) => WireAccount,
  passed: readonly (readonly ["up" | "down", Buffer])[],
): CauseBytes {
  const [whole, cut] = [new WireTally(), new WireTally()];
  const [one, other] = [create(whole), create(cut)];
  for (const [direction, bytes] of passed) {
    one.take(direction, bytes);
    for (const byte of bytes) other.take(direction, Buffer.from([byte]));
  }
  expect(cut.count().bytes).toEqual(whole.count().bytes);
  return whole.count().bytes;
}

describe("MQTT", () => {
  const publish = (protocolVersion: 4 | 5, qos: 0 | 1 | 2, payload: string) =>
    generate(
      {
        cmd: "publish",
        topic: TOPIC,
        qos,
        payload,
        messageId: 7,
        retain: false,
        dup: false,
        ...(protocolVersion === 5 ? { properties: { messageExpiryInterval: 9 } } : {}),
      },
      { protocolVersion },
    );
  const connect = (protocolVersion: 4 | 5) =>
    generate({ cmd: "connect", clientId: "c", protocolId: "MQTT", protocolVersion, clean: true });

  test("in 5.0 the properties of a PUBLISH are framing, not payload", () => {
    const found = charged(
      (tally) => new MqttAccount(tally),
      [
        ["up", connect(5)],
        ["up", publish(5, 1, "12345")],
      ],
    );
    // 26 as in 3.1.1, one for the properties' length, five for the one that is there.
    expect(found).toMatchObject({ framing: 26 + 1 + 5, payload: 5, handshake: connect(5).length });
  });

  test("keep-alive is told from acknowledgements and from what opens and closes", () => {
    const found = charged(
      (tally) => new MqttAccount(tally),
      [
        ["up", connect(4)],
        ["down", generate({ cmd: "puback", messageId: 7 })],
        ["up", generate({ cmd: "pingreq" })],
        ["down", generate({ cmd: "pingresp" })],
        ["up", generate({ cmd: "disconnect" })],
      ],
    );
    expect(found).toEqual({
      ...NO_BYTES,
      handshake: connect(4).length + 2,
      acknowledgement: 4,
      keepAlive: 4,
    });
  });
});

describe("our commands", () => {
  const line = (value: object) => Buffer.from(`${JSON.stringify(value)}\n`);

  test("what base64 adds is the envelope's, and the payload is what the publisher had", () => {
    const message = line({ type: "message", payload: "AAECAw==", encoding: "base64" });
    const found = charged((tally) => new CommandLineAccount(tally), [["down", message]]);
    expect(found).toEqual({
      ...NO_BYTES,
      payload: 4,
      envelope: message.length - 1 - 4,
      framing: 1,
    });
  });

  test("a heartbeat's line is keep-alive to its end", () => {
    const ping = line({ type: "ping", id: 1 });
    const found = charged((tally) => new CommandLineAccount(tally), [["down", ping]]);
    expect(found).toEqual({ ...NO_BYTES, keepAlive: ping.length });
  });
});

describe("HTTP", () => {
  const ask = (cursor: string) =>
    Buffer.from(`GET /v1/poll?filter=a&cursor=${cursor} HTTP/1.1\r\nHost: h\r\n\r\n`);

  test("a poll that brings nothing is keep-alive, one that brings a message is framing", () => {
    const empty = Buffer.from("HTTP/1.1 204 No Content\r\nTributary-Cursor: e-1\r\n\r\n");
    const body = '{"epoch":"e","messages":[{"payload":"12345","encoding":"utf8"}],"cursor":"e-2"}';
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
    const found = charged(
      (tally) => new HttpAccount(tally),
      [
        ["up", ask("e-0")],
        ["down", empty],
        ["up", ask("e-1")],
        ["down", Buffer.from(head + body)],
      ],
    );
    expect(found).toEqual({
      ...NO_BYTES,
      keepAlive: ask("e-0").length + empty.length,
      framing: ask("e-1").length + head.length,
      payload: 5,
      envelope: body.length - 5,
    });
  });

  test("a block of an event stream without data keeps the position and is keep-alive", () => {
    const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    const json = '{"payload":"12345","encoding":"utf8"}';
    const found = charged(
      (tally) => new HttpAccount(tally),
      [
        ["up", Buffer.from("GET /v1/stream?filter=a HTTP/1.1\r\nHost: h\r\n\r\n")],
        ["down", Buffer.from(`${head}id: e-1\n\nid: e-2\nevent: message\ndata: ${json}\n\n`)],
      ],
    );
    expect(found).toMatchObject({
      keepAlive: "id: e-1\n\n".length,
      framing: "id: e-2\nevent: message\ndata: \n\n".length,
      payload: 5,
      envelope: json.length - 5,
    });
  });
});

describe("bytes an hour of an idle connection", () => {
  test("MQTT with a keep-alive of 30 s costs 120 times PINGREQ and PINGRESP", () => {
    expect(keepAlivePerHour(4, [30_000, 30_002], 0)).toBeCloseTo(480, 6);
  });

  test("are by the distance of cycles where there is one, however many fit into the look", () => {
    const times = [10_000, 10_001, 25_000, 25_001, 40_000, 40_001];
    expect(keepAlivePerHour(3 * 20, times, 0)).toBeCloseTo(20 * 240, 6);
  });

  test("are not made up when nothing was seen", () => {
    expect(keepAlivePerHour(0, [], 0)).toBeNull();
    expect(keepAlivePerHour(0, [5], 10)).toBeNull();
  });
});

test("a pair's cost is that of both its legs, by the QoS at which it is published", () => {
  const table = new CostTable(1);
  const finding = (framing: number, isQos0: boolean) => ({
    count: {
      bytes: { ...NO_BYTES, framing },
      up: framing,
      down: 0,
      connections: 0,
      requests: 0,
    },
    openingBytes: 0,
    messages: 1,
    knowsCauses: true,
    isQos0,
  });
  table.addWire("ingress", "mqtt-qos0", finding(24, false));
  table.addWire("ingress", "mqtt-qos1", finding(26, false));
  table.addWire("egress", "mqtt", finding(26, false));
  table.addWire("egress", "mqtt", finding(24, true));
  expect(table.pair("mqtt-qos0", "mqtt")?.wireBytes?.framing).toBe(48);
  expect(table.pair("mqtt-qos1", "mqtt")?.wireBytes?.framing).toBe(52);
  expect(table.pair("mqtt-qos1", "sse")).toBeNull();
});

test("a payload of readings has its size and needs no escape in JSON", () => {
  const payload = readingsPayload(500, 3);
  expect(payload).toHaveLength(500);
  const text = Buffer.from(payload.subarray(STAMP_BYTES)).toString("utf8");
  expect(JSON.stringify(text)).toBe(`"${text}"`);
  expect(readingsPayload(500, 3)).toEqual(payload);
});

test("a batch is due together, and batches are as far apart as their messages would be", () => {
  const schedule = new Schedule({
    publishers: 2,
    ratePerSecond: 10,
    warmUpSeconds: 0,
    windowSeconds: 1,
    batchSize: 5,
  });
  const shots = Array.from({ length: schedule.shots }, (_, index) => schedule.shot(index));
  const due = (publisher: number) =>
    shots.filter((shot) => shot.publisher === publisher).map(({ dueAfterNs }) => dueAfterNs / 1e6);
  expect(due(0)).toEqual([0, 0, 0, 0, 0, 500, 500, 500, 500, 500]);
  expect(due(1)).toEqual([250, 250, 250, 250, 250, 750, 750, 750, 750, 750]);
  expect(shots.filter(({ publisher }) => publisher === 1).map(({ sequence }) => sequence)).toEqual([
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
  ]);
});
