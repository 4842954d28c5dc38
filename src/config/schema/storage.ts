import { z } from "zod";
import { BYTES, DAY_MS, text, wholeNumber } from "./setting.ts";

/** Adapters of the store's ports. */
export const STORE_KINDS = ["memory", "lmdb"] as const;

/** The message log: the window of recent messages that readers recover from. */
export const log = z
  .strictObject({
    maxMessages: wholeNumber(
      65_536,
      { min: 16, max: 16_777_216 },
      "Messages the message log keeps for readers that resume.",
    ),
    maxBytes: wholeNumber(
      64 * BYTES.mib,
      { min: BYTES.kib, max: 65_536 * BYTES.mib },
      "Payload bytes the message log keeps; the newest message is always kept.",
    ),
    maxAgeMs: wholeNumber(
      3_600_000,
      { min: 100, max: 365 * DAY_MS },
      "Age at which a message leaves the message log.",
    ),
    qos0: z.enum(["memory", "disk"]).default("memory").meta({
      description: "Where messages of QoS 0 are kept; in memory they do not survive a restart.",
    }),
  })
  .prefault({});

/** Where messages, retained messages and sessions are kept. */
export const store = z
  .strictObject({
    kind: z
      .enum(STORE_KINDS)
      .default("memory")
      .meta({ description: "Store of messages and sessions; lmdb does not exist yet." }),
    dataDir: text("./data", "Directory of the disk store."),
  })
  .prefault({});
