import { expect, test } from "vitest";
import type { Incoming } from "../../src/cli/link.ts";
import {
  jsonFormat,
  parseFormat,
  payloadFormat,
  topicAndPayloadFormat,
} from "../../src/cli/message-format.ts";

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, index) => index);

function message(changes: Partial<Incoming> = {}): Incoming {
  return {
    topic: "a/b",
    payload: Buffer.from("x"),
    qos: 1,
    isRetained: false,
    cursor: "epoch000-1",
    contentType: null,
    ingress: "mqtt",
    ...changes,
  };
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test("every byte of a payload passes unchanged", () => {
  const binary = message({ payload: ALL_BYTES });
  expect([...payloadFormat(false)(binary)]).toEqual([...ALL_BYTES]);
  expect([...payloadFormat(true)(binary)]).toEqual([...ALL_BYTES, 10]);
  expect([...parseFormat("%p", false)(binary)]).toEqual([...ALL_BYTES]);
  expect([...topicAndPayloadFormat(true)(binary)]).toEqual([
    ...Buffer.from("a/b "),
    ...ALL_BYTES,
    10,
  ]);
});

test("a format puts each field where it says", () => {
  const format = parseFormat("%t|%q|%r|%l|%x|%c|100%%\\n", false);
  expect(text(format(message()))).toBe("a/b|1|0|1|78|epoch000-1|100%\n");
});

test("an unknown letter and a lone percent sign are refused", () => {
  expect(() => parseFormat("%z", false)).toThrow(RangeError);
  expect(() => parseFormat("50%", false)).toThrow(RangeError);
});

test("a percent sign inside a payload is not read as a field", () => {
  const format = parseFormat("%p", false);
  expect(text(format(message({ payload: Buffer.from("%t") })))).toBe("%t");
});

test("JSON says how to read a payload that is no text", () => {
  expect(JSON.parse(text(jsonFormat(message({ payload: ALL_BYTES }))))).toMatchObject({
    payload: Buffer.from(ALL_BYTES).toString("base64"),
    encoding: "base64",
  });
  expect(JSON.parse(text(jsonFormat(message({ payload: Buffer.from("\ufeffü") }))))).toMatchObject({
    payload: "\ufeffü",
    encoding: "utf8",
  });
});

test("JSON leaves out what the transport does not tell", () => {
  const told = JSON.parse(text(jsonFormat(message({ cursor: null, ingress: null }))));
  expect(Object.keys(told).sort()).toEqual(["encoding", "payload", "qos", "retained", "topic"]);
});
