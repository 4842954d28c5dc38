import { z } from "zod";
import { comparisonSchema } from "../comparison-schema.ts";

/** `docs/report.schema.json`: JSON Schema (draft 2020-12) of a `report.json`. */
export function reportSchema(): object {
  return {
    ...z.toJSONSchema(comparisonSchema, { io: "output" }),
    title: "Report of a Tributary comparison",
    description:
      "What `tributary compare --out DIR` writes as report.json. Times are nanoseconds. A histogram's buckets are pairs of index and count: below 64 the index is the value; above, an octave from 64 on has 64 buckets, so index i holds values from 2^(floor(i / 64) - 1) * (64 + i mod 64) up to the next. A negative index -1 - i holds values whose magnitude falls in bucket i.",
  };
}
