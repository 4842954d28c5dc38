import mqtt from "mqtt";
import type { Egress, EgressClient, GatewayUrls, Ingress, ReceivedMessage } from "./client.ts";
import { Inbox } from "./inbox.ts";

type Via = "mqtt" | "mqtt-ws";

function connect(urls: GatewayUrls, via: Via): Promise<mqtt.MqttClient> {
  const url = via === "mqtt" ? urls.mqtt : `${urls.http.replace("http", "ws")}/mqtt`;
  return mqtt.connectAsync(url, { reconnectPeriod: 0, protocolVersion: 4 });
}

/** MQTT.js as a publisher. */
export function mqttIngress(via: Via, qos: 0 | 1 | 2): Ingress {
  return {
    name: `${via} QoS ${qos}`,
    transport: via,
    qos,
    carriesProperties: false,
    async open(urls) {
      const client = await connect(urls, via);
      // MQTT.js forgets its unacknowledged publishes when the server closes; that is a refusal.
      const closed = new Promise<never>((_, reject) => {
        client.on("close", () => reject(new Error(`the gateway closed the ${via} connection`)));
      });
      closed.catch(() => undefined);
      return {
        async publish(topic, payload, options = {}) {
          const { retain = false } = options;
          await Promise.race([client.publishAsync(topic, payload, { qos, retain }), closed]);
        },
        async publishAll(topic, payloads) {
          await Promise.all(
            payloads.map((payload) => client.publishAsync(topic, payload, { qos })),
          );
        },
        close: () => client.endAsync(true),
      };
    },
  };
}

/** MQTT.js as a reader. */
export function mqttEgress(via: Via, qos: 0 | 1 | 2): Egress {
  return {
    name: `${via} QoS ${qos}`,
    carriesProperties: false,
    async open(urls, filters): Promise<EgressClient> {
      const client = await connect(urls, via);
      const inbox = new Inbox<ReceivedMessage>(`${via} QoS ${qos} reader`);
      client.on("message", (topic, payload, packet) => {
        inbox.push({ topic, payload, retained: packet.retain, properties: null, cursor: null });
      });
      client.on("close", () => inbox.fail(new Error(`${via} connection closed`)));
      await client.subscribeAsync([...filters], { qos });
      return { next: () => inbox.next(), close: () => client.endAsync(true) };
    },
  };
}
