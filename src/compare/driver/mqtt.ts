import type { Duplex } from "node:stream";
import { MqttClient } from "mqtt";
import { monotonicNs } from "../pacer.ts";
import { connectTo, resetConnection } from "./connect.ts";
import type { DriverContext, OpenPublisher, OpenReader } from "./driver.ts";
import { openWebSocket } from "./open-websocket.ts";
import { SocketStream } from "./socket-stream.ts";

/** Of every client, in seconds; what an idle connection costs follows from it. */
export const MQTT_KEEP_ALIVE_SECONDS = 30;

/** A byte stream to the broker, and its end as a network ends it. */
interface Stream {
  readonly duplex: Duplex;
  readonly reset: () => void;
}

type OpenStream = (context: DriverContext) => Stream;

/** MQTT over TCP or TLS; the client library by itself leaves Nagle's algorithm on. */
export const overTcp: OpenStream = (context) => {
  const { mqttUrl } = context.targets;
  const duplex = connectTo(mqttUrl, mqttUrl.startsWith("mqtts:") ? 8883 : 1883, context);
  return { duplex, reset: () => resetConnection(duplex) };
};

/** MQTT over WebSocket. */
export const overWebSocket: OpenStream = (context) => {
  const { socket, reset } = openWebSocket(context, context.targets.mqttWebsocketUrl, "mqtt");
  return { duplex: new SocketStream(socket), reset };
};

/**
 * Publishes at `qos`, or at the run's where the ingress names none; acknowledged by PUBACK at 1, by
 * PUBCOMP at 2, by the write at 0.
 */
export function mqttPublisher(openStream: OpenStream, qos: 0 | 1 | null): OpenPublisher {
  return async (context) => {
    const { client } = await connectClient(context, openStream, { clean: true });
    const atQos = qos ?? context.factors.qos;
    return {
      publish: ({ topic, payload, isRetained = false }) =>
        new Promise((resolve, reject) => {
          const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
          client.publish(topic, bytes, { qos: atQos, retain: isRetained }, (cause) =>
            cause ? reject(cause) : resolve(),
          );
        }),
      close: () => client.endAsync(),
    };
  };
}

/** Subscribes at the run's QoS: what was published at less arrives at that. */
export function mqttReader(openStream: OpenStream): OpenReader {
  return async (context, { filter, start }, onPayload) => {
    const clean = start.from === "now";
    const { client, stream } = await connectClient(context, openStream, { clean }, (it) => {
      // Before the connection: a session that stayed delivers right behind its CONNACK.
      it.on("message", (_topic, payload) => onPayload(payload, monotonicNs()));
    });
    if (start.from !== "position")
      await client.subscribeAsync(filter, { qos: context.factors.qos });
    return {
      close: () => client.endAsync(),
      pause: () => stream.duplex.pause(),
      resume: () => stream.duplex.resume(),
      reset: () => {
        // What the client makes of it is no failure of the run.
        client.removeAllListeners("close").removeAllListeners("error");
        client.on("error", () => undefined);
        stream.reset();
        client.end(true);
      },
      position: () => null,
    };
  };
}

async function connectClient(
  context: DriverContext,
  openStream: OpenStream,
  { clean }: { readonly clean: boolean },
  prepare: (client: MqttClient) => void = () => undefined,
): Promise<{ readonly client: MqttClient; readonly stream: Stream }> {
  const stream = openStream(context);
  const isVersion5 = context.factors.mqttVersion === "5.0";
  const client = new MqttClient(() => stream.duplex, {
    clientId: context.clientId,
    protocolVersion: isVersion5 ? 5 : 4,
    clean,
    // In 5.0 a session ends with its connection unless it says how long it stays.
    ...(isVersion5 && !clean ? { properties: { sessionExpiryInterval: 300 } } : {}),
    // A run with a reconnection in it is void, so none is attempted.
    reconnectPeriod: 0,
    connectTimeout: 5_000,
    keepalive: MQTT_KEEP_ALIVE_SECONDS,
  });
  prepare(client);
  await new Promise<void>((resolve, reject) => {
    let isConnected = false;
    const fail = (cause: Error): void => {
      if (isConnected) context.onFailure(cause);
      else reject(cause);
    };
    client.on("error", fail);
    client.on("close", () => {
      if (!client.disconnecting) fail(new Error(`${context.clientId}: the MQTT connection closed`));
    });
    client.once("connect", () => {
      isConnected = true;
      resolve();
    });
  });
  return { client, stream };
}
