import type { Egress, Ingress } from "./client.ts";
import { httpIngress, pollEgress, sseEgress } from "./http.ts";
import { mqttEgress, mqttIngress } from "./mqtt.ts";
import { tcpEgress, tcpIngress } from "./tcp.ts";
import { websocketEgress, websocketIngress } from "./websocket.ts";

/** Every way in; a new transport joins the contract by a line here. */
export const INGRESSES: readonly Ingress[] = [
  mqttIngress("mqtt", 0),
  mqttIngress("mqtt", 1),
  mqttIngress("mqtt", 2),
  mqttIngress("mqtt-ws", 0),
  mqttIngress("mqtt-ws", 1),
  mqttIngress("mqtt-ws", 2),
  websocketIngress("json"),
  websocketIngress("binary"),
  httpIngress,
  tcpIngress,
];

/** Every way out. */
export const EGRESSES: readonly Egress[] = [
  mqttEgress("mqtt", 0),
  mqttEgress("mqtt", 1),
  mqttEgress("mqtt", 2),
  mqttEgress("mqtt-ws", 0),
  mqttEgress("mqtt-ws", 1),
  mqttEgress("mqtt-ws", 2),
  websocketEgress("json"),
  websocketEgress("binary"),
  tcpEgress,
  sseEgress,
  pollEgress(5),
  pollEgress(0),
];
