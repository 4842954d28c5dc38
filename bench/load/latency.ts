import { Histogram } from "../../src/telemetry/histogram.ts";
import type { Ports } from "../system.ts";
import { connectMqtt, publishPacket, subscribeMqtt } from "./mqtt-bytes.ts";
import { PAYLOAD_BYTES } from "./throughput.ts";

const RATE_PER_SECOND = 2_000;
const WARM_UP = RATE_PER_SECOND;
/** Where in the payload the number of the message stands, from its end. */
const NUMBER_BYTES = 4;

/** What a latency run found, microseconds. */
export interface LatencyResult {
  readonly p50: number;
  readonly p99: number;
}

/**
 * MQTT QoS 0, one publisher, one reader, 2,000 messages a second on a fixed schedule; latency from the
 * intended send time. The loop turns without sleeping, or the timer's grain would be what is measured.
 */
export async function mqttLatency(ports: Ports, seconds: number): Promise<LatencyResult> {
  const publisher = await connectMqtt(ports.mqtt, "bench-publisher");
  const reader = await connectMqtt(ports.mqtt, "bench-reader");
  await subscribeMqtt(reader);
  const packet = publishPacket(new Uint8Array(PAYLOAD_BYTES));
  const numberAt = packet.length - NUMBER_BYTES;
  const messages = WARM_UP + seconds * RATE_PER_SECOND;
  const intervalNs = 1e9 / RATE_PER_SECOND;
  const startNs = now() + 100e6;
  const latency = new Histogram();
  let received = 0;
  await new Promise<void>((resolve) => {
    let rest = Buffer.alloc(0);
    reader.on("data", (chunk: Buffer) => {
      const at = now();
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let start = 0;
      for (; bytes.length - start >= packet.length; start += packet.length) {
        const number = bytes.readUInt32BE(start + numberAt);
        if (number >= WARM_UP) latency.record(at - (startNs + number * intervalNs));
        received += 1;
      }
      rest = Buffer.from(bytes.subarray(start));
      if (received === messages) resolve();
    });
    let next = 0;
    const turn = (): void => {
      while (next < messages && now() >= startNs + next * intervalNs) {
        const copy = Buffer.from(packet);
        copy.writeUInt32BE(next, numberAt);
        publisher.write(copy);
        next += 1;
      }
      if (received < messages) setImmediate(turn);
    };
    turn();
  });
  return { p50: latency.quantile(0.5) / 1e3, p99: latency.quantile(0.99) / 1e3 };
}

function now(): number {
  return Number(process.hrtime.bigint());
}
