import { expect, test } from "vitest";
import {
  encodeSessionState,
  parseSessionState,
  type SessionState,
} from "../../src/transport/mqtt/session-state.ts";
import { filter, topic } from "../support/bus-kit.ts";

const STATE: SessionState = {
  clientId: "c\u{1f600}",
  isClean: false,
  expirySeconds: 60,
  user: "ada",
  awaySince: 1_700_000_000_000.5,
  subscriptions: [
    { filter: filter("a/+"), qos: 2, noLocal: true, retainAsPublished: false, id: 268_435_455 },
  ],
  shares: [
    {
      name: "$share/g/t/#",
      group: "g",
      filter: filter("t/#"),
      qos: 1,
      noLocal: false,
      retainAsPublished: true,
      id: 0,
    },
  ],
  will: {
    topic: topic("w"),
    payload: Uint8Array.of(0, 255, 128),
    qos: 1,
    retain: true,
    delaySeconds: 5,
    properties: {
      contentType: "text/plain",
      responseTopic: "r",
      correlationData: Uint8Array.of(1, 2),
      userProperties: [
        ["k", "v"],
        ["k", ""],
      ],
      payloadFormat: 1,
      expiry: 0,
    },
  },
};

const BARE: SessionState = {
  ...STATE,
  expirySeconds: null,
  user: null,
  awaySince: null,
  subscriptions: [],
  shares: [],
  will: null,
};

test("a state is read as it was written", () => {
  expect(parseSessionState(encodeSessionState(STATE))).toEqual(STATE);
  expect(parseSessionState(encodeSessionState(BARE))).toEqual(BARE);
});

test.each([
  ["no bytes", ""],
  ["no JSON", "{"],
  ["no object", "[]"],
  ["another version", changed({ version: 2 })],
  ["a client id that is no text", changed({ clientId: 1 })],
  ["no client id", changed({ clientId: undefined })],
  ["an invalid filter", changed({ subscriptions: [{ ...STATE.subscriptions[0], filter: "a#" }] })],
  ["a QoS of 3", changed({ subscriptions: [{ ...STATE.subscriptions[0], qos: 3 }] })],
  ["a will without a topic", changed({ will: { payload: "" } })],
  ["shares that are no list", changed({ shares: {} })],
])("%s is no state", (_what, text) => {
  expect(() => parseSessionState(Buffer.from(text))).toThrow();
});

function changed(fields: object): string {
  const state: unknown = JSON.parse(Buffer.from(encodeSessionState(BARE)).toString());
  return JSON.stringify(Object.assign({}, state, fields));
}
