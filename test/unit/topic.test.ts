import { describe, expect, test } from "vitest";
import { isExact, isReserved, matches, parseFilter, parseTopic } from "../../src/bus/topic.ts";
import { filter, topic } from "../support/bus-kit.ts";
import { refusalOf } from "../support/refusal.ts";

const LIMITS = { maxTopicBytes: 12, maxTopicLevels: 4 };

describe("parseTopic", () => {
  test.each(["a", "/", "//", "a/", "/a", "a b", "$SYS/x", "é/€/😀", "\ufeff", "a/b/c/d"])(
    "takes %j",
    (text) => expect(parseTopic(text, LIMITS)).toBe(text),
  );

  test.each([
    ["", "[MQTT-4.7.3-1]"],
    ["a\0", "[MQTT-4.7.3-2]"],
    ["a\ud800", "[MQTT-1.5.3-1]"],
    ["\udc00a", "[MQTT-1.5.3-1]"],
    ["a/+", "[MQTT-3.3.2-2]"],
    ["#", "[MQTT-3.3.2-2]"],
    ["a/b/c/d/e", "4"],
    ["1234567890123", "13 bytes"],
    ["😀😀😀x", "13 bytes"],
    ["ééééééx", "13 bytes"],
    ["€€€€x", "13 bytes"],
  ])("refuses %j as invalid_topic, naming %s", (text, named) => {
    const refusal = refusalOf(() => parseTopic(text, LIMITS));
    expect(refusal.code).toBe("invalid_topic");
    expect(refusal.message).toContain(named);
  });

  test("shows a long or hostile name cut and escaped", () => {
    const refusal = refusalOf(() => parseTopic(`\r\n${"x".repeat(200)}`, LIMITS));
    expect(refusal.message).not.toMatch(/[\r\n]/);
    expect(refusal.message.length).toBeLessThan(200);
  });
});

describe("parseFilter", () => {
  test.each(["#", "+", "+/+", "a/#", "+/a/#", "/#", "/+", "a//#"])("takes %j", (text) => {
    expect(parseFilter(text, LIMITS)).toBe(text);
  });

  test.each([
    ["a#", "[MQTT-4.7.1-3]"],
    ["#a", "[MQTT-4.7.1-3]"],
    ["a+", "[MQTT-4.7.1-3]"],
    ["+a", "[MQTT-4.7.1-3]"],
    ["a/b+/c", "[MQTT-4.7.1-3]"],
    ["#/a", "[MQTT-4.7.1-2]"],
    ["##", "[MQTT-4.7.1-3]"],
    ["", "[MQTT-4.7.3-1]"],
  ])("refuses %j as invalid_filter, naming %s", (text, named) => {
    const refusal = refusalOf(() => parseFilter(text, LIMITS));
    expect(refusal.code).toBe("invalid_filter");
    expect(refusal.message).toContain(named);
  });
});

describe("matches, by the standard's own examples (MQTT 3.1.1 §4.7)", () => {
  test.each([
    ["sport/tennis/player1/#", "sport/tennis/player1", true],
    ["sport/tennis/player1/#", "sport/tennis/player1/ranking", true],
    ["sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true],
    ["sport/#", "sport", true],
    ["sport/tennis/+", "sport/tennis/player1", true],
    ["sport/tennis/+", "sport/tennis/player1/ranking", false],
    ["sport/+", "sport", false],
    ["sport/+", "sport/", true],
    ["+/+", "/finance", true],
    ["/+", "/finance", true],
    ["+", "/finance", false],
    ["#", "$SYS/monitor/Clients", false],
    ["+/monitor/Clients", "$SYS/monitor/Clients", false],
    ["$SYS/#", "$SYS/monitor/Clients", true],
    ["$SYS/monitor/+", "$SYS/monitor/Clients", true],
    ["ACCOUNTS", "Accounts", false],
  ])("%s against %s: %s", (f, t, expected) => {
    expect(matches(filter(f), topic(t))).toBe(expected);
  });

  test("tells exact filters and reserved topics apart", () => {
    expect([isExact(filter("a/b")), isExact(filter("a/+")), isExact(filter("#"))]).toEqual([
      true,
      false,
      false,
    ]);
    expect([isReserved("$a"), isReserved("a$")]).toEqual([true, false]);
  });
});
