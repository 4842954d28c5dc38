import type { Duplex } from "node:stream";
import { MqttClient } from "mqtt";
import { monotonicNs } from "../pacer.ts";
import { connectTo } from "./connect.ts";
import type { DriverContext, OpenPublisher, OpenReader, Targets } from "./driver.ts";
import { SocketStream } from "./socket-stream.ts";

type OpenStream = (targets: Targets) => Duplex;

/** MQTT over TCP or TLS, no-delay on: the client library leaves Nagle's algorithm on. */
export const overTcp: OpenStream = (targets) =>
  connectTo(targets.mqttUrl, targets.mqttUrl.startsWith("mqtts:") ? 8883 : 1883, targets);

/** MQTT over WebSocket; the socket library turns Nagle's algorithm off itself. */
export const overWebSocket: OpenStream = (targets) =>
  new SocketStream(targets.mqttWebsocketUrl, "mqtt", targets);

/** Publishes at `qos`; acknowledged by PUBACK at 1, by the write at 0. */
export function mqttPublisher(openStream: OpenStream, qos: 0 | 1): OpenPublisher {
  return async (context) => {
    const client = await connectClient(context, openStream);
    return {
      publish: (topic, payload) =>
        new Promise((resolve, reject) => {
          client.publish(topic, Buffer.from(payload), { qos }, (cause) =>
            cause ? reject(cause) : resolve(),
          );
        }),
      close: () => client.endAsync(),
    };
  };
}

/** Subscribes at QoS 1, so that what was published at 1 arrives at 1. */
export function mqttReader(openStream: OpenStream): OpenReader {
  return async (context, filter, onPayload) => {
    const client = await connectClient(context, openStream);
    client.on("message", (_topic, payload) => onPayload(payload, monotonicNs()));
    await client.subscribeAsync(filter, { qos: 1 });
    return { close: () => client.endAsync() };
  };
}

function connectClient(context: DriverContext, openStream: OpenStream): Promise<MqttClient> {
  const client = new MqttClient(() => openStream(context.targets), {
    clientId: context.clientId,
    protocolVersion: 4,
    // A run with a reconnection in it is void, so none is attempted.
    reconnectPeriod: 0,
    connectTimeout: 5_000,
    keepalive: 30,
  });
  return new Promise((resolve, reject) => {
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
      resolve(client);
    });
  });
}
