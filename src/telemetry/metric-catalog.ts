/** What a metric is to Prometheus. */
export type MetricType = "counter" | "gauge" | "histogram";

/** A metric as it is exported and documented; the name stands without its prefix. */
export interface MetricDefinition {
  readonly type: MetricType;
  readonly labels: readonly string[];
  /** One sentence; the unit is in the name. */
  readonly help: string;
}

/** In front of every metric of the gateway's own. */
export const METRIC_PREFIX = "tributary_";

/**
 * Every metric of the gateway. Labels take few values, all known beforehand; none is a topic, a client
 * or an address, which clients could make up without end.
 */
export const METRICS = {
  messages_received_total: {
    type: "counter",
    labels: ["transport", "qos"],
    help: "Messages accepted from publishers, by the QoS they were published at.",
  },
  messages_delivered_total: {
    type: "counter",
    labels: ["ingress", "egress", "qos"],
    help: "Messages handed to the kernel for a reader, by the QoS of the delivery.",
  },
  messages_dropped_total: {
    type: "counter",
    labels: ["transport", "reason"],
    help: "Messages a reader asked for and was not sent, by the transport of the reader.",
  },
  messages_refused_total: {
    type: "counter",
    labels: ["transport", "code"],
    help: "Messages that were not accepted, by the code the publisher was told.",
  },
  delivery_seconds: {
    type: "histogram",
    labels: ["ingress", "egress"],
    help: "Time from a live message's bytes having been read to its delivery having been handed to the kernel; retained and recovered messages are not timed.",
  },
  stage_seconds: {
    type: "histogram",
    labels: ["stage"],
    help: "The same time in three parts: ingress until the bus has accepted the message, bus until it is taken from the reader's queue, egress until it is handed to the kernel.",
  },
  publish_ack_seconds: {
    type: "histogram",
    labels: ["transport"],
    help: "Time from a message's bytes having been read to its acknowledgement (PUBACK, PUBREC, published, 202) having been handed to the kernel.",
  },
  wire_bytes_total: {
    type: "counter",
    labels: ["transport", "direction"],
    help: "Bytes at the sockets, in from clients and out to them, protocol overhead and TLS included.",
  },
  connections: {
    type: "gauge",
    labels: ["transport"],
    help: "Open connections; an HTTP connection counts once for each of http, poll and sse it was used for.",
  },
  recoveries_total: {
    type: "counter",
    labels: ["transport", "result"],
    help: "Readers that resumed from a cursor: complete, or with the reason of the gap they were told.",
  },
  poll_hold_seconds: {
    type: "histogram",
    labels: ["outcome"],
    help: "Time polls were held, by how it ended: messages, empty, gap, refused, draining, or abandoned by the client.",
  },
  sessions: { type: "gauge", labels: [], help: "Sessions of connected clients." },
  subscriptions: { type: "gauge", labels: [], help: "Open subscriptions." },
  retained_messages: { type: "gauge", labels: [], help: "Topics that hold a retained message." },
  retained_bytes: {
    type: "gauge",
    labels: [],
    help: "Bytes of payload and properties of the retained messages.",
  },
  log_messages: { type: "gauge", labels: [], help: "Messages in the log's window." },
  log_bytes: {
    type: "gauge",
    labels: [],
    help: "Bytes of payload and properties in the log's window.",
  },
  store_commit_seconds: {
    type: "histogram",
    labels: [],
    help: "Time from the oldest append of a group commit until all of it was as durable as store.durability asks; nothing in memory.",
  },
  store_commit_messages: {
    type: "histogram",
    labels: [],
    help: "Messages in one group commit of the disk store.",
  },
  store_written_bytes_total: {
    type: "counter",
    labels: [],
    help: "Bytes of messages written to the disk store, index, sessions and retained messages apart.",
  },
  store_errors_total: {
    type: "counter",
    labels: ["reason"],
    help: "Writes and reads of the disk store that failed, attempts to write again included.",
  },
  store_fault: {
    type: "gauge",
    labels: ["reason"],
    help: "1 while the disk store cannot write for this reason, and messages that ask for acknowledgement are refused.",
  },
  store_log_messages: {
    type: "gauge",
    labels: [],
    help: "Messages in the log on disk.",
  },
  store_log_bytes: {
    type: "gauge",
    labels: [],
    help: "Bytes of the messages in the log on disk.",
  },
  store_file_bytes: {
    type: "gauge",
    labels: [],
    help: "Size of the disk store's data file; space that was freed in it is used again, not given back.",
  },
  store_oldest_message_seconds: {
    type: "gauge",
    labels: [],
    help: "Age of the oldest message in the log on disk; no series while it is empty.",
  },
  store_pending_bytes: {
    type: "gauge",
    labels: [],
    help: "Bytes appended and not yet durable; at store.maxPendingBytes publishers are no longer read from.",
  },
  store_recovery_seconds: {
    type: "gauge",
    labels: [],
    help: "Time the disk store took to open at the start.",
  },
  certificate_not_after_seconds: {
    type: "gauge",
    labels: ["transport"],
    help: "When the certificate of a TLS listener expires, in seconds since the Unix epoch.",
  },
  build_info: {
    type: "gauge",
    labels: ["version", "node"],
    help: "Always 1; its labels say what is running.",
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** Name of a metric of the gateway's own, without the prefix. */
export type MetricName = keyof typeof METRICS;

/**
 * Upper bounds of the exported buckets, in seconds. A loopback delivery takes tens of microseconds;
 * 2.5 ms separates one event-loop stall from none; 35 and 45 ms enclose the 40 ms of a delayed
 * acknowledgement (Linux, TCP_DELACK_MIN), 180 and 220 ms its upper end of 200 ms.
 */
export const BUCKET_SECONDS: readonly number[] = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.045, 0.1, 0.18, 0.22,
  0.5, 1, 2.5, 5, 10, 30,
];

/** Upper bounds of buckets of counts: a lone message, then the sizes batches grow to under load. */
export const BUCKET_COUNTS: readonly number[] = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000,
];
