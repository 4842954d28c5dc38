import fc from "fast-check";

/** Few and short levels, so that filters and topics meet often; empty and reserved ones included. */
const level = fc.constantFrom("a", "b", "", "$x", "ab", "é");

/** Text of a topic that is valid. */
export const topicText = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join("/"))
  .filter((text) => text.length > 0);

/** Text of a filter that is valid. */
export const filterText = fc
  .tuple(fc.array(fc.oneof(level, fc.constant("+")), { minLength: 0, maxLength: 4 }), fc.boolean())
  .map(([levels, hasHash]) => [...levels, ...(hasHash ? ["#"] : [])].join("/"))
  .filter((text) => text.length > 0);
