import type { Drivers } from "./driver.ts";
import { httpPublisher } from "./http.ts";
import { mqttPublisher, mqttReader, overTcp, overWebSocket } from "./mqtt.ts";
import { longPollReader, plainPollReader } from "./poll.ts";
import { sseReader } from "./sse.ts";
import { tcpPublisher, tcpReader } from "./tcp.ts";
import { websocketPublisher, websocketReader } from "./websocket.ts";

/** Every way in and out of a gateway. A name that fixes a factor keeps to it. */
export const DRIVERS: Drivers = {
  publishers: {
    "mqtt-qos0": mqttPublisher(overTcp, 0),
    "mqtt-qos1": mqttPublisher(overTcp, 1),
    "mqtt-ws": mqttPublisher(overWebSocket, null),
    websocket: websocketPublisher("of the run"),
    "websocket-binary": websocketPublisher("binary"),
    http: httpPublisher,
    tcp: tcpPublisher,
  },
  readers: {
    mqtt: mqttReader(overTcp),
    "mqtt-ws": mqttReader(overWebSocket),
    websocket: websocketReader("of the run"),
    "websocket-binary": websocketReader("binary"),
    sse: sseReader,
    poll: longPollReader,
    "plain-poll": plainPollReader,
    tcp: tcpReader,
  },
};
