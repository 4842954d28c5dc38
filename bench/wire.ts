/**
 * Cost of the codecs that every message passes, without sockets. Prints nanoseconds a call: the
 * median of several rounds, so that one collection of garbage does not decide.
 */
import type { Message } from "../src/bus/message.ts";
import { PROTOCOL_TOPIC_LIMITS, parseTopic } from "../src/bus/topic.ts";
import { encodeBinaryMessage } from "../src/wire/binary-frame.ts";
import { ByteWriter } from "../src/wire/byte-writer.ts";
import { parseCommand } from "../src/wire/command.ts";
import { encodeMessageFrame } from "../src/wire/frame.ts";
import { writeJsonUtf8 } from "../src/wire/json-string.ts";
import { LineSplitter } from "../src/wire/line.ts";
import { encodeSseMessage } from "../src/wire/sse.ts";
import { readStamp, STAMP_BYTES, writeStamp } from "../src/wire/stamp.ts";
import { beginFrame, endFrame, OPCODE_TEXT } from "../src/wire/websocket-framing.ts";

const ROUNDS = 9;
/** Long enough that the timer's resolution and the loop itself do not show. */
const ROUND_MS = 100;

function messageOf(payload: Uint8Array): Message {
  return {
    topic: parseTopic("plant/line-3/motor-7/speed", PROTOCOL_TOPIC_LIMITS),
    payload,
    qos: 1,
    retain: false,
    properties: {},
    origin: { transport: "mqtt", sessionId: "bench" },
    receivedAt: 1_790_000_000_000.125,
    offset: 123_456_789,
    acceptedAt: 1_790_000_000_000.25,
  };
}

function text(bytes: number): Uint8Array {
  const reading = '{"value":21.53,"unit":"C","name":"Motor 7"} ';
  return new TextEncoder()
    .encode(reading.repeat(Math.ceil(bytes / reading.length)))
    .slice(0, bytes);
}

function binary(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (i * 151 + 200) & 0xff);
}

function measure(name: string, call: () => void): void {
  let calls = 1;
  for (let elapsed = 0; elapsed < ROUND_MS; calls *= 2) elapsed = time(call, calls);
  const perCall: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) perCall.push((time(call, calls) / calls) * 1e6);
  perCall.sort((a, b) => a - b);
  const median = perCall[ROUNDS >> 1] ?? 0;
  process.stdout.write(`${name.padEnd(52)}${median.toFixed(0).padStart(10)} ns\n`);
}

function time(call: () => void, calls: number): number {
  const start = performance.now();
  for (let i = 0; i < calls; i += 1) call();
  return performance.now() - start;
}

const out = new ByteWriter();
const limits = { ...PROTOCOL_TOPIC_LIMITS, maxPayloadBytes: 1_048_576 };

for (const [name, payload] of [
  ["128 bytes of JSON", text(128)],
  ["128 bytes of binary", binary(128)],
  ["64 KiB of JSON", text(65_536)],
] as const) {
  const message = messageOf(payload);
  measure(`WebSocket JSON frame, ${name}`, () => {
    out.reset();
    const body = beginFrame(out);
    encodeMessageFrame(message, out, "k3v9x2m1q8");
    endFrame(out, body, OPCODE_TEXT);
  });
  measure(`WebSocket binary frame, ${name}`, () => {
    out.reset();
    encodeBinaryMessage(message, out, "k3v9x2m1q8");
  });
  measure(`SSE event, ${name}`, () => {
    out.reset();
    encodeSseMessage(message, out, "k3v9x2m1q8");
  });
  measure(`payload alone, ${name}`, () => {
    out.reset();
    writeJsonUtf8(out, payload);
  });
}

const publish = JSON.stringify({
  type: "publish",
  id: 42,
  topic: "plant/line-3/motor-7/speed",
  payload: new TextDecoder().decode(text(128)),
});
measure("publish command parsed, 128 bytes of JSON", () => {
  parseCommand(publish, limits);
});
measure("JSON.parse alone of the same", () => {
  JSON.parse(publish);
});

const lines = new TextEncoder().encode(`${publish}\n`.repeat(256));
const splitter = new LineSplitter(1_048_576);
measure("256 lines split", () => {
  splitter.push(lines, () => undefined);
});

const stamped = new Uint8Array(STAMP_BYTES);
const stamp = { run: 7, stream: 3, sequence: 99, intendedNs: 123_456_789_012, sentNs: 123_456_999 };
measure("stamp written and read", () => {
  writeStamp(stamped, stamp);
  readStamp(stamped);
});
