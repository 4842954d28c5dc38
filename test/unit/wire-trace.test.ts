import { describe, expect, test } from "vitest";
import { withTrace } from "../../src/transport/traced-message.ts";
import { encodeBinaryMessage, parseBinaryMessage } from "../../src/wire/binary-frame.ts";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import { encodeJsonMessage, parseJsonMessage } from "../../src/wire/json-message.ts";
import { BusKit } from "../support/bus-kit.ts";

function published(userProperties: readonly (readonly [string, string])[]) {
  const kit = new BusKit();
  const message = kit.bus.messageAt(kit.publish("a", "one"));
  if (message === undefined) throw new Error("the message is gone");
  return { ...message, properties: { userProperties }, receivedAt: 999.5, acceptedAt: 1_000.25 };
}

const at = (now: number) => ({ readNow: () => now });

function asJson(message: ReturnType<typeof withTrace>): unknown {
  const out = new ByteWriter();
  encodeJsonMessage(message, out, "epoch0001");
  return JSON.parse(Buffer.from(out.view()).toString());
}

describe("a message published with trace=1", () => {
  const message = withTrace(
    published([
      ["unit", "K"],
      ["trace", "1"],
    ]),
    at(1_002.125),
  );
  const trace = { receivedAt: 999.5, acceptedAt: 1_000.25, encodedAt: 1_002.125 };

  test("carries its stamps in JSON", () => {
    expect(asJson(message)).toMatchObject({ trace });
    expect(parseJsonMessage(asJson(message)).trace).toEqual(trace);
  });

  test("carries them in the header of a binary frame", () => {
    const out = new ByteWriter();
    encodeBinaryMessage(message, out, "epoch0001");
    expect(parseBinaryMessage(out.copy()).message.trace).toEqual(trace);
  });
});

test.each([
  { is: "no property", properties: [] },
  { is: "another value", properties: [["trace", "yes"]] as const },
  { is: "another name", properties: [["Trace", "1"]] as const },
])("a message with $is carries no stamps", ({ properties }) => {
  const message = withTrace(published(properties), at(1_002));
  expect(asJson(message)).not.toHaveProperty("trace");
  expect(parseJsonMessage(asJson(message))).not.toHaveProperty("trace");
});

test.each([null, 7, {}, { receivedAt: 1, acceptedAt: "2", encodedAt: 3 }])(
  "a reader refuses the stamps %j",
  (trace) => {
    const message = { ...(asJson(published([])) as object), trace };
    expect(() => parseJsonMessage(message)).toThrow(
      expect.objectContaining({ code: "bad_request" }),
    );
  },
);
