import { z } from "zod";
import { BYTES, DAY_MS, flag, port, text, wholeNumber } from "./setting.ts";
import { tlsListener } from "./tls.ts";

const poll = z
  .strictObject({
    defaultHoldMs: wholeNumber(
      25_000,
      { min: 0, max: DAY_MS },
      "How long a poll is held when it names no timeout; 25 s is below the 30 s many clients wait.",
    ),
    maxHoldMs: wholeNumber(
      55_000,
      { min: 0, max: DAY_MS },
      "The longest a poll is held, whatever it asks for; 55 s is below common proxies' 60 s.",
    ),
    jitterMs: wholeNumber(
      2_000,
      { min: 0, max: 60_000 },
      "A hold ends up to this much early, at random, so that pollers do not return in step.",
    ),
    defaultMessages: wholeNumber(
      100,
      { min: 1, max: 100_000 },
      "Messages in one answer when the poll names no max.",
    ),
    maxMessages: wholeNumber(
      1_000,
      { min: 1, max: 100_000 },
      "Messages in one answer at most, whatever the poll asks for.",
    ),
    maxBytes: wholeNumber(
      BYTES.mib,
      { min: BYTES.kib, max: 64 * BYTES.mib },
      "Payload bytes in one answer; a single larger message is still delivered.",
    ),
  })
  .prefault({});

const stream = z
  .strictObject({
    positionIntervalMs: wholeNumber(
      15_000,
      { min: 100, max: DAY_MS },
      "Time between the id-only blocks that keep a silent event stream open and its position moving.",
    ),
  })
  .prefault({});

/** A web origin as browsers send it: scheme, host and port, no path; or `*`. */
const origin = z
  .string()
  .regex(
    /^(\*|[a-z][a-z0-9+.-]*:\/\/[^/?#\s@]+)$/,
    "is not an origin such as https://example.org:8443, nor *",
  );

/** The HTTP listener; WebSocket and MQTT over WebSocket share it. */
export const http = z
  .strictObject({
    enabled: flag(true, "Whether the plain HTTP listener is opened."),
    host: text("127.0.0.1", "Address the HTTP listener binds."),
    port: port(8080, "Port of HTTP, WebSocket and MQTT over WebSocket; 0 takes any free port."),
    headersTimeoutMs: wholeNumber(
      10_000,
      { min: 100, max: DAY_MS },
      "Time in which a request's headers must have arrived, against clients that trickle them.",
    ),
    requestTimeoutMs: wholeNumber(
      60_000,
      { min: 100, max: DAY_MS },
      "Time in which a whole request, body included, must have arrived.",
    ),
    keepAliveTimeoutMs: wholeNumber(
      75_000,
      { min: 0, max: DAY_MS },
      "Idle time before a kept-alive connection is closed; above the 60 s of common proxies, so that the proxy closes first; 0 never closes it.",
    ),
    maxConnections: wholeNumber(
      20_000,
      { min: 1, max: 1_000_000 },
      "Connections to the HTTP listeners, TLS included; more are closed at once.",
    ),
    maxHeaderBytes: wholeNumber(
      16 * BYTES.kib,
      { min: BYTES.kib, max: BYTES.mib },
      "Bytes of one request's line and headers.",
    ),
    maxBulkMessages: wholeNumber(1_000, { min: 1, max: 100_000 }, "Messages in one bulk publish."),
    maxBulkBytes: wholeNumber(
      16 * BYTES.mib,
      { min: BYTES.kib, max: 256 * BYTES.mib },
      "Bytes of the body of one bulk publish.",
    ),
    maxHeldPolls: wholeNumber(
      10_000,
      { min: 1, max: 1_000_000 },
      "Polls held open at once, by all clients.",
    ),
    allowedOrigins: z.array(origin).default([]).meta({
      description:
        "Web origins whose pages may use the gateway, besides its own; * allows every origin.",
    }),
    poll,
    stream,
    tls: tlsListener(8443, "HTTP, WebSocket and MQTT over WebSocket"),
  })
  .prefault({});
