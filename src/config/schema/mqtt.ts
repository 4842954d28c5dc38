import { z } from "zod";
import { BYTES, DAY_MS, flag, port, text, textOrNone, urlPath, wholeNumber } from "./setting.ts";
import { tlsListener } from "./tls.ts";

/** Implementations of MQTT behind the engine port. */
export const MQTT_ENGINES = ["aedes", "native"] as const;

/** MQTT over TCP, and over WebSocket on the HTTP listener. */
export const mqtt = z
  .strictObject({
    enabled: flag(true, "Whether the plain listener of MQTT over TCP is opened."),
    host: text("127.0.0.1", "Address the MQTT listener binds."),
    port: port(1883, "Port of MQTT over TCP; 0 takes any free port."),
    websocketPath: urlPath("/mqtt", "Path of MQTT over WebSocket on the HTTP listener."),
    engine: z.enum(MQTT_ENGINES).default("aedes").meta({
      description: "Implementation of MQTT: aedes speaks 3.1 and 3.1.1, native also 5.0.",
    }),
    connectTimeoutMs: wholeNumber(
      10_000,
      { min: 100, max: DAY_MS },
      "Time in which CONNECT must have arrived.",
    ),
    maxConnections: wholeNumber(
      20_000,
      { min: 1, max: 1_000_000 },
      "Connections to the MQTT listener, and as many to its TLS one; more are closed at once.",
    ),
    maxPacketBytes: wholeNumber(
      0,
      { min: 0, max: 268_435_460 },
      "Bytes of one MQTT packet; 0 derives it: largest payload + longest topic + 64 KiB for the rest.",
    ),
    maxClientIdBytes: wholeNumber(
      256,
      { min: 23, max: 65_535 },
      "Bytes of a client id; every server must take 23 [MQTT-3.1.3-5].",
    ),
    maxInflight: wholeNumber(
      256,
      { min: 1, max: 65_535 },
      "Deliveries of QoS 1 and 2 one client may leave unacknowledged.",
    ),
    maxQueuedMessages: wholeNumber(
      10_000,
      { min: 1, max: 10_000_000 },
      "Messages kept for one persistent session while its client is away.",
    ),
    maxQueuedBytes: wholeNumber(
      16 * BYTES.mib,
      { min: BYTES.kib, max: 65_536 * BYTES.mib },
      "Payload bytes kept for one persistent session while its client is away.",
    ),
    queueOverflow: z.enum(["disconnect", "drop-oldest"]).default("disconnect").meta({
      description:
        "What a full queue of a persistent session does: disconnect ends the session with its queue, so that its client finds none when it connects again and knows of the loss; drop-oldest lets the oldest unsent message give way, which only metrics tell.",
    }),
    maxSessions: wholeNumber(
      10_000,
      { min: 1, max: 10_000_000 },
      "Persistent sessions, connected or not.",
    ),
    sessionExpirySeconds: wholeNumber(
      604_800,
      { min: 0, max: 31_536_000 },
      "Time a client may be away before its persistent session is forgotten with its queue; 0 keeps sessions for ever.",
    ),
    maxKeepAliveSeconds: wholeNumber(
      0,
      { min: 0, max: 65_535 },
      "A client that asks for a longer keep-alive, or for none, is refused; 0 takes what it asks for.",
    ),
    maxTopicAliases: wholeNumber(
      32,
      { min: 0, max: 65_535 },
      "Highest topic alias an MQTT 5 client may give, and most that it is given; 0 for none. Engine native.",
    ),
    responseInformation: textOrNone(
      "",
      "Told to MQTT 5 clients that ask for it, as the beginning of their response topics; empty for nothing. Engine native.",
    ),
    serverReference: textOrNone(
      "",
      "Other servers, as `host:port` separated by spaces, to which MQTT 5 clients are sent when the gateway drains; empty for none. Engine native.",
    ),
    tls: tlsListener(8883, "MQTT"),
  })
  .prefault({});
