import { z } from "zod";
import { BYTES, DAY_MS, flag, port, text, urlPath, wholeNumber } from "./setting.ts";
import { tlsListener } from "./tls.ts";

/** 25 s is below the 30 s and 60 s after which common proxies close a silent connection. */
const DEFAULT_HEARTBEAT_MS = 25_000;

function heartbeatMs() {
  return wholeNumber(
    DEFAULT_HEARTBEAT_MS,
    { min: 100, max: DAY_MS },
    "Time between checks that the peer is there; one that is silent for two of them is closed.",
  );
}

function authenticateTimeoutMs() {
  return wholeNumber(
    10_000,
    { min: 100, max: DAY_MS },
    "Time a client has to authenticate where anonymous clients are not let in.",
  );
}

const compression = z
  .strictObject({
    enabled: flag(
      false,
      "Offer permessage-deflate, without context takeover; it saves bytes and costs CPU time.",
    ),
    thresholdBytes: wholeNumber(
      BYTES.kib,
      { min: 0, max: 64 * BYTES.mib },
      "Frames smaller than this are sent uncompressed.",
    ),
  })
  .prefault({});

/** WebSocket, on the HTTP listener. */
export const websocket = z
  .strictObject({
    path: urlPath("/ws", "Path of WebSocket connections."),
    heartbeatMs: heartbeatMs(),
    // A payload of 1 MiB in fragments of 16 bytes, or of 4 MiB in 64.
    maxFragments: wholeNumber(
      65_536,
      { min: 1, max: 1_048_576 },
      "Fragments one WebSocket message may come in.",
    ),
    authenticateTimeoutMs: authenticateTimeoutMs(),
    compression,
  })
  .prefault({});

/** Raw TCP: the WebSocket commands, one JSON object a line. */
export const tcp = z
  .strictObject({
    enabled: flag(true, "Whether the plain raw TCP listener is opened."),
    host: text("127.0.0.1", "Address the raw TCP listener binds."),
    port: port(7083, "Port of raw TCP; 0 takes any free port."),
    heartbeatMs: heartbeatMs(),
    authenticateTimeoutMs: authenticateTimeoutMs(),
    maxConnections: wholeNumber(
      10_000,
      { min: 1, max: 1_000_000 },
      "Connections to the raw TCP listener, and as many to its TLS one; more are closed at once.",
    ),
    tls: tlsListener(7084, "raw TCP"),
  })
  .prefault({});
