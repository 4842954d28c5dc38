/**
 * Every refusal the gateway can make, and the form it takes on each protocol.
 *
 * Nobody matches on message text: a client, a test and a transport all go by `code`.
 */

/** How one code appears on each protocol. */
export interface ErrorForm {
  /** HTTP status; `null` when the code cannot answer an HTTP request. */
  readonly http: number | null;
  /**
   * WebSocket close code (RFC 6455 §7.4) used when the refusal ends the connection; `null` when it
   * is only ever an `error` frame.
   */
  readonly websocketClose: number | null;
  /** What an MQTT 3.1 or 3.1.1 client sees; these versions have no reason code beyond CONNACK and SUBACK. */
  readonly mqtt3: "connack 2" | "connack 3" | "connack 4" | "connack 5" | "suback 0x80" | "close";
  /** MQTT 5 reason code (§2.4). */
  readonly mqtt5: number;
  /** Whether the same request may succeed later without being changed. */
  readonly retryable: boolean;
  /** One line for the README's table. */
  readonly meaning: string;
}

/** The one table of codes; the README repeats it and a test holds the two equal. */
export const ERROR_FORMS = {
  bad_request: {
    http: 400,
    websocketClose: 4400,
    mqtt3: "close",
    mqtt5: 0x82,
    retryable: false,
    meaning: "The request is malformed.",
  },
  invalid_topic: {
    http: 400,
    websocketClose: null,
    mqtt3: "close",
    mqtt5: 0x90,
    retryable: false,
    meaning: "The topic breaks a rule of MQTT §4.7 or a limit.",
  },
  invalid_filter: {
    http: 400,
    websocketClose: null,
    mqtt3: "suback 0x80",
    mqtt5: 0x8f,
    retryable: false,
    meaning: "The filter breaks a rule of MQTT §4.7 or a limit.",
  },
  unauthenticated: {
    http: 401,
    websocketClose: 4401,
    mqtt3: "connack 4",
    mqtt5: 0x86,
    retryable: false,
    meaning: "Credentials are missing or wrong.",
  },
  forbidden: {
    http: 403,
    websocketClose: 4403,
    mqtt3: "suback 0x80",
    mqtt5: 0x87,
    retryable: false,
    meaning: "Access control denies this, or the topic is reserved.",
  },
  not_found: {
    http: 404,
    websocketClose: null,
    mqtt3: "close",
    mqtt5: 0x80,
    retryable: false,
    meaning: "Nothing is there: no such path, or no retained message.",
  },
  method_not_allowed: {
    http: 405,
    websocketClose: null,
    mqtt3: "close",
    mqtt5: 0x83,
    retryable: false,
    meaning: "The path exists but not with this method.",
  },
  idempotency_in_progress: {
    http: 409,
    websocketClose: null,
    mqtt3: "close",
    mqtt5: 0x83,
    retryable: true,
    meaning: "The first request with this idempotency key has not finished.",
  },
  gap: {
    http: 410,
    websocketClose: null,
    mqtt3: "close",
    mqtt5: 0x83,
    retryable: false,
    meaning: "The cursor names a position whose successors are no longer all kept.",
  },
  too_large: {
    http: 413,
    websocketClose: 1009,
    mqtt3: "close",
    mqtt5: 0x95,
    retryable: false,
    meaning: "The payload, packet, frame or body is over its limit.",
  },
  unsupported_media_type: {
    http: 415,
    websocketClose: 1003,
    mqtt3: "close",
    mqtt5: 0x99,
    retryable: false,
    meaning: "The body or frame is of a type this endpoint does not take.",
  },
  idempotency_mismatch: {
    http: 422,
    websocketClose: null,
    mqtt3: "close",
    mqtt5: 0x83,
    retryable: false,
    meaning: "The idempotency key was used with another message.",
  },
  rate_limited: {
    http: 429,
    websocketClose: 4429,
    mqtt3: "close",
    mqtt5: 0x96,
    retryable: true,
    meaning: "This client sends faster than its limit.",
  },
  limit_exceeded: {
    http: 429,
    websocketClose: 4429,
    mqtt3: "connack 3",
    mqtt5: 0x97,
    retryable: true,
    meaning: "A count limit is reached: connections, subscriptions, retained messages.",
  },
  internal: {
    http: 500,
    websocketClose: 1011,
    mqtt3: "close",
    mqtt5: 0x80,
    retryable: true,
    meaning: "A defect of the gateway; the log has the cause.",
  },
  store_unavailable: {
    http: 503,
    websocketClose: null,
    mqtt3: "close",
    mqtt5: 0x80,
    retryable: true,
    meaning: "The store cannot accept the message now; it was not acknowledged.",
  },
  draining: {
    http: 503,
    websocketClose: 1001,
    mqtt3: "connack 3",
    mqtt5: 0x8b,
    retryable: true,
    meaning: "The gateway is about to stop and takes no new work.",
  },
  slow_subscriber: {
    http: null,
    websocketClose: 4900,
    mqtt3: "close",
    mqtt5: 0x97,
    retryable: true,
    meaning: "The reader's queue was full under overflow policy `disconnect`.",
  },
  session_replaced: {
    http: null,
    websocketClose: 4901,
    mqtt3: "close",
    mqtt5: 0x8e,
    retryable: true,
    meaning: "Another connection took this session over.",
  },
} as const satisfies Record<string, ErrorForm>;

/** A stable name of a refusal; the key of {@link ERROR_FORMS}. */
export type ErrorCode = keyof typeof ERROR_FORMS;

/** The form table of one code. */
export function errorForm(code: ErrorCode): ErrorForm {
  return ERROR_FORMS[code];
}

/** Extra facts a refusal carries to the client, such as the earliest cursor of a gap. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/** A refusal: an answer to a client, not a defect. Its message names the value and the limit. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: ErrorDetails } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "GatewayError";
    this.code = code;
    this.details = options.details ?? {};
  }

  get form(): ErrorForm {
    return ERROR_FORMS[this.code];
  }
}

/**
 * Turns anything thrown into a refusal: a {@link GatewayError} passes, all else is a defect and
 * becomes `internal` with the original as `cause`, so that no stack reaches a client.
 */
export function toGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  return new GatewayError("internal", "the gateway failed to handle this; see its log", {
    cause: thrown,
  });
}
