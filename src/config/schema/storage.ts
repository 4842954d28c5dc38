import { z } from "zod";
import { BYTES, DAY_MS, text, wholeNumber } from "./setting.ts";

/** Adapters of the store's ports. */
export const STORE_KINDS = ["memory", "lmdb"] as const;

/** When a message counts as accepted by the disk store. */
export const DURABILITIES = ["flush", "commit", "none"] as const;

/** The message log in memory: all of it, or the newest part of the one on disk. */
export const log = z
  .strictObject({
    maxMessages: wholeNumber(
      65_536,
      { min: 16, max: 16_777_216 },
      "Messages the message log keeps in memory for readers that resume.",
    ),
    maxBytes: wholeNumber(
      64 * BYTES.mib,
      { min: BYTES.kib, max: 65_536 * BYTES.mib },
      "Payload bytes the message log keeps in memory; the newest message is always kept.",
    ),
    maxAgeMs: wholeNumber(
      3_600_000,
      { min: 100, max: 365 * DAY_MS },
      "Age at which a message leaves the message log in memory.",
    ),
    qos0: z.enum(["memory", "disk"]).default("memory").meta({
      description: "Where messages of QoS 0 are kept; in memory they do not survive a restart.",
    }),
  })
  .prefault({});

/** Where messages, retained messages and sessions are kept. */
export const store = z
  .strictObject({
    kind: z.enum(STORE_KINDS).default("lmdb").meta({
      description:
        "Store of messages and sessions: on disk (lmdb), or in memory, which forgets everything when it ends.",
    }),
    dataDir: text("./data", "Directory of the disk store; one process has it at a time."),
    durability: z.enum(DURABILITIES).default("flush").meta({
      description:
        "A message is acknowledged when the disk has it (flush), when the system has it, which a power cut may lose (commit), or at once (none).",
    }),
    maxMessages: wholeNumber(
      10_000_000,
      { min: 16, max: 10_000_000_000 },
      "Messages the log on disk keeps; those of QoS 0 count only when they are stored.",
    ),
    maxBytes: wholeNumber(
      4_096 * BYTES.mib,
      { min: BYTES.mib, max: 16_777_216 * BYTES.mib },
      "Bytes of messages the log on disk keeps, with about 60 bytes each of its own; the files are larger by their index.",
    ),
    maxAgeMs: wholeNumber(
      7 * DAY_MS,
      { min: 100, max: 3_650 * DAY_MS },
      "Age at which a message leaves the log on disk.",
    ),
    maxPendingBytes: wholeNumber(
      16 * BYTES.mib,
      { min: 64 * BYTES.kib, max: 1_024 * BYTES.mib },
      "Bytes on their way to the disk above which publishers are not read from.",
    ),
  })
  .prefault({});
