import { describe, expect, test } from "vitest";
import { PROTOCOL_TOPIC_LIMITS, parseTopic, type Topic } from "../../src/bus/topic.ts";
import {
  InboundTopicAliases,
  OutboundTopicAliases,
} from "../../src/transport/mqtt/native/codec/topic-alias.ts";
import { reasonOf } from "../support/mqtt-codec.ts";

function topicOf(text: string): Topic {
  return parseTopic(text, PROTOCOL_TOPIC_LIMITS);
}

describe("topic aliases", () => {
  test("[MQTT-3.3.2-12] of a client name what they named last", () => {
    const aliases = new InboundTopicAliases(2);
    expect(aliases.resolve(topicOf("a"), 2)).toBe("a");
    expect(aliases.resolve(null, 2)).toBe("a");
    expect(aliases.resolve(topicOf("b"), 2)).toBe("b");
    expect(aliases.resolve(null, 2)).toBe("b");
    expect(aliases.resolve(topicOf("c"), 0)).toBe("c");
  });

  test("[MQTT-3.3.2-9] past the maximum are invalid", () => {
    expect(reasonOf(() => new InboundTopicAliases(2).resolve(topicOf("a"), 3))).toBe(
      "topicAliasInvalid",
    );
    expect(reasonOf(() => new InboundTopicAliases(0).resolve(null, 1))).toBe("topicAliasInvalid");
  });

  test("that name nothing are a protocol error", () => {
    expect(reasonOf(() => new InboundTopicAliases(2).resolve(null, 1))).toBe("protocolError");
  });

  test("[MQTT-3.1.2-26] of ours are never more than the client takes", () => {
    const aliases = new OutboundTopicAliases(1);
    expect(aliases.known(topicOf("a"))).toBe(0);
    expect(aliases.assign(topicOf("a"))).toBe(1);
    expect(aliases.known(topicOf("a"))).toBe(1);
    expect(aliases.assign(topicOf("b"))).toBe(0);
    expect(aliases.known(topicOf("b"))).toBe(0);
  });
});
