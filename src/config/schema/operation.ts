import { z } from "zod";
import { DAY_MS, flag, wholeNumber } from "./setting.ts";

/** Levels of log lines, most severe first. */
export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** How the gateway ends. */
export const drain = z
  .strictObject({
    timeoutMs: wholeNumber(
      10_000,
      { min: 0, max: DAY_MS },
      "Time to deliver what is queued after SIGTERM, before every connection is ended.",
    ),
  })
  .prefault({});

/** Who may use the gateway. */
export const security = z
  .strictObject({
    allowAnonymous: flag(
      false,
      "Let clients without identity in from other machines; needed to bind an address that is not loopback.",
    ),
  })
  .prefault({});

/** What the gateway tells its operator. */
export const logging = z
  .strictObject({
    level: z
      .enum(LOG_LEVELS)
      .default("info")
      .meta({ description: "The least severe log lines that are written." }),
  })
  .prefault({});
