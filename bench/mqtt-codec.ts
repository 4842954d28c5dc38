/**
 * Cost of the MQTT packets that every message passes, without sockets, beside `mqtt-packet`. Prints
 * nanoseconds a packet: the median of several rounds. Machine code is bimodal between processes, so
 * run it several times: `tsc -p tsconfig.bench.json && node .bench/bench/mqtt-codec.js`.
 */
import { generate, parser, type QoS } from "mqtt-packet";
import { PROTOCOL_TOPIC_LIMITS, parseTopic } from "../src/bus/topic.ts";
import { AcknowledgementReader } from "../src/transport/mqtt/native/codec/acknowledgement.ts";
import { PacketScanner } from "../src/transport/mqtt/native/codec/packet-scanner.ts";
import type { ProtocolVersion } from "../src/transport/mqtt/native/codec/packet-types.ts";
import { peerOf } from "../src/transport/mqtt/native/codec/peer.ts";
import { PublishReader } from "../src/transport/mqtt/native/codec/publish.ts";
import { encodePublish } from "../src/transport/mqtt/native/codec/publish-writing.ts";
import { TopicNames } from "../src/transport/mqtt/native/codec/topic-names.ts";
import { ByteWriter } from "../src/wire/byte-writer.ts";

const ROUNDS = 9;
const ROUND_MS = 100;
/** What a socket is read in. */
const CHUNK_BYTES = 65_536;

/** Prints what one of `packets` packets costs that one call handles. */
function measure(name: string, packets: number, call: () => void): void {
  let calls = 1;
  for (let elapsed = 0; elapsed < ROUND_MS; calls *= 2) elapsed = time(call, calls);
  const perPacket: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    perPacket.push((time(call, calls) / calls / packets) * 1e6);
  }
  perPacket.sort((a, b) => a - b);
  const median = perPacket[ROUNDS >> 1] ?? 0;
  process.stdout.write(`${name.padEnd(60)}${median.toFixed(0).padStart(8)} ns\n`);
}

function time(call: () => void, calls: number): number {
  const start = performance.now();
  for (let i = 0; i < calls; i += 1) call();
  return performance.now() - start;
}

/** A chunk full of PUBLISH packets that take turns among the topics, and their number. */
function chunkOf(version: ProtocolVersion, qos: QoS, topics: number): [Buffer, number] {
  const packets: Buffer[] = [];
  const options = { protocolVersion: version };
  let bytes = 0;
  while (bytes < CHUNK_BYTES) {
    const packet = generate(
      {
        cmd: "publish",
        topic: `plant/line-3/motor-${packets.length % topics}/speed`,
        payload: Buffer.alloc(128, 0x61),
        qos,
        dup: false,
        retain: false,
        ...(qos > 0 ? { messageId: (packets.length % 65_535) + 1 } : {}),
      },
      options,
    );
    packets.push(packet);
    bytes += packet.length;
  }
  return [Buffer.concat(packets), packets.length];
}

const names = new TopicNames(PROTOCOL_TOPIC_LIMITS);

/** Adds up payloads, so that nothing that was read can be left out. */
let sum = 0;

for (const [version, qos, topics] of [
  [4, 0, 1],
  [4, 0, 1_000],
  [5, 0, 1],
  [5, 0, 1_000],
  [4, 1, 1],
] as const) {
  const [chunk, packets] = chunkOf(version, qos, topics);
  const title = `PUBLISH read, level ${version}, QoS ${qos}, 128 bytes, ${topics} topics`;
  const reader = new PublishReader(names);
  const scanner = new PacketScanner(1_048_576);
  const sink = {
    packet(bytes: Buffer, start: number, body: number, end: number): boolean {
      reader.read(bytes, start, body, end, version);
      sum += reader.payloadEnd - reader.payloadStart + (reader.topic?.length ?? 0);
      return true;
    },
  };
  measure(title, packets, () => scanner.push(chunk, sink));
  const halves = [chunk.subarray(0, 30_001), chunk.subarray(30_001)];
  measure(`${title}, cut`, packets, () => {
    for (const half of halves) scanner.push(half, sink);
  });
  const foreign = parser({ protocolVersion: version });
  foreign.on("packet", (packet) => {
    if (packet.cmd === "publish") sum += packet.payload.length + packet.topic.length;
  });
  measure(`the same by mqtt-packet`, packets, () => foreign.parse(chunk));
}

const PLAIN = { qos: 0, dup: false, retain: false } as const;
const out = new ByteWriter();
const topic = parseTopic("plant/line-3/motor-7/speed", PROTOCOL_TOPIC_LIMITS);
const payload = new Uint8Array(128).fill(0x61);
const form = { qos: 0, isDuplicate: false, isRetained: false, packetId: 0 } as const;
for (const version of [4, 5] as const) {
  const peer = peerOf(version);
  measure(`PUBLISH written, level ${version}`, 1, () => {
    out.reset();
    sum += encodePublish(out, peer, { topic, payload, properties: {} }, form);
  });
  measure("the same by mqtt-packet", 1, () => {
    const packet = {
      cmd: "publish",
      topic,
      payload: Buffer.from(payload.buffer),
      ...PLAIN,
    } as const;
    sum += generate(packet, { protocolVersion: version }).length;
  });
}

const puback = Buffer.from([0x40, 2, 0, 7]);
const acknowledgements = new AcknowledgementReader();
measure("PUBACK read, level 5", 1, () => {
  acknowledgements.read(puback, "puback", 2, 4, 5);
  sum += acknowledgements.packetId;
});
if (!Number.isFinite(sum)) throw new Error("nothing was read");
