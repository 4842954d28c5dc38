import { z } from "zod";
import { BYTES, DAY_MS, wholeNumber } from "./setting.ts";

const queue = z
  .strictObject({
    // One tick may bring a 64 KiB chunk from each publisher, about 440 packets of 150 bytes:
    // 16,384 lets a subscriber of all take in 37 busy publishers before it has had one write.
    maxMessages: wholeNumber(
      16_384,
      { min: 1, max: 16_777_216 },
      "Messages one live queue may hold before its overflow policy applies.",
    ),
    maxBytes: wholeNumber(
      4 * BYTES.mib,
      { min: BYTES.kib, max: 1_024 * BYTES.mib },
      "Payload bytes one live queue may hold; a single larger message is still queued.",
    ),
  })
  .prefault({});

const retained = z
  .strictObject({
    maxMessages: wholeNumber(
      100_000,
      { min: 0, max: 100_000_000 },
      "Topics that may hold a retained message.",
    ),
    maxBytes: wholeNumber(
      64 * BYTES.mib,
      { min: 0, max: 65_536 * BYTES.mib },
      "Payload bytes of all retained messages.",
    ),
  })
  .prefault({});

const connections = z
  .strictObject({
    max: wholeNumber(
      20_000,
      { min: 1, max: 1_000_000 },
      "Sessions connected at once, on all transports.",
    ),
    // Half of all: one address cannot shut the others out, and a proxy in front still serves many.
    maxPerAddress: wholeNumber(
      10_000,
      { min: 1, max: 1_000_000 },
      "Sessions connected at once from one address; clients behind a proxy share one.",
    ),
  })
  .prefault({});

const outbox = z
  .strictObject({
    highWaterBytes: wholeNumber(
      256 * BYTES.kib,
      { min: 4 * BYTES.kib, max: 64 * BYTES.mib },
      "Bytes written to one connection in one tick; what is left waits in its queues.",
    ),
    maxControlBytes: wholeNumber(
      256 * BYTES.kib,
      { min: 4 * BYTES.kib, max: 64 * BYTES.mib },
      "Bytes of answers waiting for one connection; past it, its commands are not read.",
    ),
  })
  .prefault({});

const idempotency = z
  .strictObject({
    windowMs: wholeNumber(
      600_000,
      { min: 1_000, max: 30 * DAY_MS },
      "Time for which an idempotency key is remembered.",
    ),
    maxKeys: wholeNumber(
      65_536,
      { min: 1, max: 10_000_000 },
      "Idempotency keys remembered at once; the oldest is forgotten first.",
    ),
    maxKeysPerScope: wholeNumber(
      16_384,
      { min: 1, max: 10_000_000 },
      "Idempotency keys remembered of one publisher, so that none can push out what others rely on.",
    ),
  })
  .prefault({});

const groups = z
  .strictObject({
    maxGroups: wholeNumber(
      10_000,
      { min: 1, max: 1_000_000 },
      "Groups of subscribers that share their messages ($share).",
    ),
    maxMembersPerGroup: wholeNumber(1_000, { min: 1, max: 1_000_000 }, "Members of one group."),
    maxUnacknowledgedPerMember: wholeNumber(
      256,
      { min: 1, max: 65_535 },
      "Messages one member of a group may hold unacknowledged.",
    ),
  })
  .prefault({});

/** Bounds that hold on every transport. */
export const limits = z
  .strictObject({
    maxPayloadBytes: wholeNumber(
      BYTES.mib,
      { min: 1, max: 64 * BYTES.mib },
      "Bytes of one payload.",
    ),
    maxTopicBytes: wholeNumber(
      4_096,
      { min: 1, max: 65_535 },
      "Bytes of UTF-8 of one topic or filter; 65,535 is the most MQTT can carry [MQTT-4.7.3-3].",
    ),
    maxTopicLevels: wholeNumber(128, { min: 1, max: 1_000 }, "Levels of one topic or filter."),
    maxFiltersPerRequest: wholeNumber(
      64,
      { min: 1, max: 10_000 },
      "Filters in one poll, stream or SUBSCRIBE.",
    ),
    maxSubscriptionsPerSession: wholeNumber(
      1_000,
      { min: 1, max: 1_000_000 },
      "Subscriptions one session may hold.",
    ),
    maxPublishesPerSecond: wholeNumber(
      0,
      { min: 0, max: 100_000_000 },
      "Messages one session may publish a second; 0 sets no limit.",
    ),
    queue,
    retained,
    connections,
    outbox,
    idempotency,
    groups,
  })
  .prefault({});
