import { describe, expect, test } from "vitest";
import {
  type ConnectOutcome,
  type ConnectPacket,
  parseConnect,
} from "../../src/transport/mqtt/native/codec/connect.ts";
import { reasonName } from "../../src/transport/mqtt/native/codec/reason-codes.ts";
import { bytes, field, LIMITS, lying, type Part, properties } from "../support/mqtt-codec.ts";

type Limits = typeof LIMITS;

function connect(parts: readonly Part[], limits: Limits = LIMITS, first = 0x10): ConnectOutcome {
  const packet = lying(first, ...parts);
  return parseConnect(packet.bytes, packet.start, packet.body, packet.end, limits);
}

/** The packet of a CONNECT that is well-formed. */
function accepted(...parts: readonly Part[]): ConnectPacket {
  const outcome = connect(parts);
  if (outcome.is !== "request") throw new Error(`${outcome.is}: ${outcome.message}`);
  return outcome.packet;
}

/** `close`, or the version of the answer and the name of its reason. */
function refused(parts: readonly Part[], limits: Limits = LIMITS, first = 0x10): string {
  const outcome = connect(parts, limits, first);
  if (outcome.is !== "refusal") return outcome.is;
  return `${outcome.peer.version} ${reasonName(outcome.reason)}`;
}

const NONE = properties();

describe("protocol name and level", () => {
  test.each([
    ["MQIsdp", 3, []],
    ["MQTT", 4, []],
    ["MQTT", 5, [0]],
  ])("%s %i is spoken", (name, level, empty) => {
    expect(accepted(name, level, 2, 0, 60, ...empty, "c")).toMatchObject({
      version: level,
      clean: true,
      keepAliveSeconds: 60,
      clientId: "c",
      will: null,
      user: null,
      password: null,
    });
  });

  test.each([
    ["MQTT", 3, "4 unsupportedProtocolVersion"],
    ["MQTT", 0, "4 unsupportedProtocolVersion"],
    ["MQIsdp", 4, "4 unsupportedProtocolVersion"],
    ["MQTT", 6, "4 unsupportedProtocolVersion"],
    // The mark of a bridge, which tries again without it.
    ["MQTT", 0x84, "4 unsupportedProtocolVersion"],
  ])(
    "[MQTT-3.1.2-2] %s %i is answered in the form of the nearest version",
    (name, level, answer) => {
      expect(refused([name, level, 2, 0, 60, "c"])).toBe(answer);
    },
  );

  test("[MQTT-3.1.2-1] any other name is closed without an answer", () => {
    expect(refused(["HTTP", 4, 2, 0, 60, "c"])).toBe("close");
    expect(refused(["mqtt", 5, 2, 0, 60, 0, "c"])).toBe("close");
  });

  test("[MQTT-3.1.0-1] a first packet that is no CONNECT is closed without an answer", () => {
    expect(refused(["MQTT", 4, 2, 0, 60, "c"], LIMITS, 0x30)).toBe("close");
    expect(refused(["MQTT", 4, 2, 0, 60, "c"], LIMITS, 0x11)).toBe("close");
  });
});

describe("what is malformed", () => {
  test.each([
    ["[MQTT-3.1.2-3] the reserved flag", 0x03],
    ["[MQTT-3.1.2-11] a will QoS without a will", 0x0a],
    ["[MQTT-3.1.2-13] a will retain without a will", 0x22],
    ["[MQTT-3.1.2-12] a will QoS of 3", 0x1e],
  ])("%s is answered by 0x81, or by closing before MQTT 5", (_, flags) => {
    const will = [NONE, "w", "x"];
    expect(refused(["MQTT", 5, flags, 0, 60, NONE, "c", ...will])).toBe("5 malformedPacket");
    expect(refused(["MQTT", 4, flags, 0, 60, "c", "w", "x"])).toBe("close");
  });

  test("[MQTT-3.1.2-22] a password without a user name is refused before MQTT 5 only", () => {
    expect(refused(["MQTT", 4, 0x42, 0, 60, "c", "pw"])).toBe("close");
    expect(accepted("MQTT", 5, 0x42, 0, 60, NONE, "c", "pw")).toMatchObject({
      user: null,
      password: Uint8Array.from(Buffer.from("pw")),
    });
  });

  test.each([0, 1, 2, 5, 8, 9, 10, 11, 12])("a packet cut after %i bytes is refused", (length) => {
    const whole = bytes("MQTT", 5, 2, 0, 60, NONE, "c");
    const answer = length < 7 ? "close" : "5 malformedPacket";
    expect(refused([whole.subarray(0, length)])).toBe(answer);
  });

  test("bytes after the last field are refused", () => {
    expect(refused(["MQTT", 4, 2, 0, 60, "c", 0])).toBe("close");
    expect(refused(["MQTT", 5, 2, 0, 60, NONE, "c", 0])).toBe("5 malformedPacket");
  });

  test.each([
    ["[MQTT-1.5.4-1] a surrogate", [0xed, 0xa0, 0x80]],
    ["[MQTT-1.5.4-1] an overlong form", [0xc0, 0xaf]],
    ["[MQTT-1.5.4-2] U+0000", [0x61, 0]],
  ])("%s in client id, will topic or user name is refused", (_, text) => {
    const bad = field(Uint8Array.from(text));
    const start = ["MQTT", 5];
    expect(refused([...start, 2, 0, 60, NONE, bad])).toBe("5 malformedPacket");
    expect(refused([...start, 6, 0, 60, NONE, "c", NONE, bad, "x"])).toBe("5 malformedPacket");
    expect(refused([...start, 0x82, 0, 60, NONE, "c", bad])).toBe("5 malformedPacket");
    expect(refused(["MQTT", 4, 2, 0, 60, bad])).toBe("close");
  });

  test("[MQTT-1.5.4-3] a byte order mark is part of the text", () => {
    expect(accepted("MQTT", 4, 2, 0, 60, "\ufeffc").clientId).toBe("\ufeffc");
  });
});

describe("client id", () => {
  test("[MQTT-3.1.3-6] an empty one is left to the server to choose", () => {
    expect(accepted("MQTT", 4, 2, 0, 60, "").clientId).toBe("");
    expect(accepted("MQTT", 5, 0, 0, 60, NONE, "").clientId).toBe("");
  });

  test("[MQTT-3.1.3-8] an empty one is refused for a persistent session of 3.1.1", () => {
    expect(refused(["MQTT", 4, 0, 0, 60, ""])).toBe("4 clientIdentifierNotValid");
  });

  test("MQTT 3.1 wants one of 1 to 23 characters", () => {
    const start = ["MQIsdp", 3, 2, 0, 60];
    expect(refused([...start, ""])).toBe("3 clientIdentifierNotValid");
    expect(refused([...start, "x".repeat(24)])).toBe("3 clientIdentifierNotValid");
    expect(accepted(...start, "x".repeat(23)).clientId).toHaveLength(23);
  });

  test("[MQTT-3.1.3-8] one past our limit is answered by 0x85", () => {
    const limits = { ...LIMITS, maxClientIdBytes: 3 };
    expect(refused(["MQTT", 5, 2, 0, 60, NONE, "abcd"], limits)).toBe("5 clientIdentifierNotValid");
    expect(refused(["MQTT", 4, 2, 0, 60, "éé"], limits)).toBe("4 clientIdentifierNotValid");
  });
});

describe("will", () => {
  test("is read with its properties", () => {
    const sent = properties(0x18, 0, 0, 0, 9, 1, 1, 2, 0, 0, 1, 0, 3, "t/p", 0x26, "a", "b");
    const packet = accepted("MQTT", 5, 0x36, 0, 60, NONE, "c", sent, "will/é", "gone");
    expect(packet.will).toEqual({
      topic: "will/é",
      payload: Uint8Array.from(Buffer.from("gone")),
      qos: 2,
      retain: true,
      delaySeconds: 9,
      properties: {
        payloadFormat: 1,
        expiry: 256,
        contentType: "t/p",
        userProperties: [["a", "b"]],
      },
    });
  });

  test("keeps no view of the read chunk", () => {
    const packet = lying(0x10, "MQTT", 4, 6, 0, 60, "c", "w", "gone");
    const outcome = parseConnect(packet.bytes, packet.start, packet.body, packet.end, LIMITS);
    packet.bytes.fill(0);
    expect(outcome).toMatchObject({
      packet: { will: { topic: "w", payload: Uint8Array.from(Buffer.from("gone")) } },
    });
  });

  test("[MQTT-4.7.1-1] to a topic with a wildcard, or to none, is answered by 0x90", () => {
    for (const topic of ["a/+", "#", ""]) {
      expect(refused(["MQTT", 5, 6, 0, 60, NONE, "c", NONE, topic, "x"])).toBe(
        "5 topicNameInvalid",
      );
      expect(refused(["MQTT", 4, 6, 0, 60, "c", topic, "x"])).toBe("close");
    }
  });
});

describe("properties", () => {
  function withProperties(...parts: readonly Part[]): ConnectPacket {
    return accepted("MQTT", 5, 0, 0, 60, properties(...parts), "c");
  }

  test("that are absent have their defaults", () => {
    expect(withProperties()).toMatchObject({
      sessionExpirySeconds: 0,
      receiveMaximum: 65_535,
      maxPacketBytes: 268_435_460,
      topicAliasMaximum: 0,
      wantsProblems: true,
      wantsResponseInformation: false,
      userProperties: [],
      authenticationMethod: null,
      authenticationData: null,
    });
  });

  test("are read", () => {
    const packet = withProperties(
      ...[0x11, 0xff, 0xff, 0xff, 0xff, 0x21, 0, 9, 0x27, 0, 0, 1, 0, 0x22, 1, 0, 0x17, 0],
      ...[0x19, 1, 0x15, "GSS", 0x16, field(Uint8Array.of(1, 2)), 0x26, "a", "1", 0x26, "a", "2"],
    );
    expect(packet).toMatchObject({
      sessionExpirySeconds: 0xffff_ffff,
      receiveMaximum: 9,
      maxPacketBytes: 256,
      topicAliasMaximum: 256,
      wantsProblems: false,
      wantsResponseInformation: true,
      userProperties: [
        ["a", "1"],
        ["a", "2"],
      ],
      authenticationMethod: "GSS",
      authenticationData: Uint8Array.of(1, 2),
    });
  });

  test("[MQTT-3.1.2-25] a refusal after them knows what the client takes", () => {
    const sent = properties(0x27, 0, 0, 0, 30, 0x17, 0);
    const outcome = connect(["MQTT", 5, 6, 0, 60, sent, "c", NONE, "#", "x"]);
    expect(outcome).toMatchObject({ peer: { maxPacketBytes: 30, wantsProblems: false } });
  });

  test("[MQTT-3.1.2-4] before MQTT 5 a session without the clean flag never expires", () => {
    expect(accepted("MQTT", 4, 0, 0, 0, "c").sessionExpirySeconds).toBe(0xffff_ffff);
    expect(accepted("MQTT", 4, 2, 0, 0, "c").sessionExpirySeconds).toBe(0);
  });
});

describe("MQTT 3.1", () => {
  test("puts the length above the flags: an announced user name or password may be missing", () => {
    expect(accepted("MQIsdp", 3, 0xc2, 0, 60, "c")).toMatchObject({ user: null, password: null });
    expect(accepted("MQIsdp", 3, 0xc2, 0, 60, "c", "u")).toMatchObject({
      user: "u",
      password: null,
    });
    expect(refused(["MQTT", 4, 0xc2, 0, 60, "c", "u"])).toBe("close");
  });

  test("does not use the lowest flag", () => {
    expect(accepted("MQIsdp", 3, 3, 0, 60, "c").clean).toBe(true);
  });
});

test("a keep-alive past our limit is refused before MQTT 5 only, which is told another", () => {
  const limits = { ...LIMITS, maxKeepAliveSeconds: 30 };
  expect(refused(["MQTT", 4, 2, 0, 31, "c"], limits)).toBe("4 serverUnavailable");
  expect(refused(["MQTT", 4, 2, 0, 0, "c"], limits)).toBe("4 serverUnavailable");
  expect(connect(["MQTT", 5, 2, 0, 31, NONE, "c"], limits).is).toBe("request");
});
