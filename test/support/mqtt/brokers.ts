import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closedPort } from "../closed-port.ts";
import { startGateway } from "../gateway.ts";

/** An implementation of the gateway behind `mqtt.engine`. */
export type EngineName = "aedes" | "native";

/** What the suites can run against: an engine, or the broker the suites themselves are checked with. */
export type BrokerName = EngineName | "mosquitto";

/** The engines that exist. */
export const ENGINES: readonly EngineName[] = ["aedes", "native"];

/**
 * What the suites run against now: every engine, or with `TEST_MQTT_BROKER=mosquitto` Debian's broker
 * instead, which shows whether the tests themselves are right.
 */
export function brokersUnderTest(): readonly BrokerName[] {
  return process.env.TEST_MQTT_BROKER === "mosquitto" ? ["mosquitto"] : ENGINES;
}

/** A broker that listens. */
export interface RunningBroker {
  readonly port: number;
  /** Where it takes MQTT over WebSocket. */
  readonly websocketUrl: string;
  /** Ends it; an engine fails when it leaves anything behind. */
  stop(): Promise<void>;
}

/** Starts a broker on free loopback ports with what it has in memory only. */
export async function startBroker(name: BrokerName): Promise<RunningBroker> {
  if (name === "mosquitto") return await startMosquitto();
  const running = await startGateway({ mqtt: { engine: name }, store: { kind: "memory" } });
  return {
    port: Number(new URL(running.urls.mqtt).port),
    websocketUrl: `${running.urls.http.replace("http", "ws")}/mqtt`,
    stop: () => running.stop(),
  };
}

async function startMosquitto(): Promise<RunningBroker> {
  const port = await closedPort();
  const folder = mkdtempSync(join(tmpdir(), "tributary-mosquitto-"));
  const settings = [
    `listener ${port} 127.0.0.1`,
    "allow_anonymous true",
    "persistence false",
    "max_topic_alias 10",
    "max_packet_size 1048576",
  ];
  const file = join(folder, "mosquitto.conf");
  writeFileSync(file, `${settings.join("\n")}\n`);
  const child = spawn("/usr/sbin/mosquitto", ["-c", file], { stdio: "ignore" });
  const ended = once(child, "exit");
  await listening(port);
  return {
    port,
    // Debian builds it without.
    websocketUrl: `ws://127.0.0.1:${port}/mqtt`,
    async stop() {
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves when something listens on the port. */
async function listening(port: number): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (Date.now() < deadline) {
    const socket = connect({ host: "127.0.0.1", port });
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
  }
  throw new Error(`nothing listens on port ${port}`);
}
