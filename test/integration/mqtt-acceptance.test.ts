import { afterEach, beforeEach, expect, test } from "vitest";
import type { MessageDraft } from "../../src/bus/message.ts";
import type { MessageLog, Receipt } from "../../src/bus/ports.ts";
import { GatewayError } from "../../src/errors.ts";
import { type MqttServer, startMqtt } from "../support/mqtt-server.ts";
import { acknowledgement, publishPacket, TYPE, WireClient } from "../support/mqtt-wire.ts";

/** Receipts of a store whose commits the test decides on. */
const receipts: Receipt[] = [];

/** Orders at once and becomes durable when the test says so, as a disk store does. */
function slowToCommit(log: MessageLog): MessageLog {
  return new Proxy(log, {
    get(target, name) {
      if (name === "append") {
        return (draft: MessageDraft, receipt: Receipt | null) => {
          target.append(draft, null);
          if (receipt !== null) receipts.push(receipt);
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

let server: MqttServer;
let client: WireClient;
beforeEach(async () => {
  receipts.length = 0;
  server = await startMqtt({ wrapLog: slowToCommit });
  client = await WireClient.connected(server.port);
});
afterEach(async () => {
  await server.stop();
});

test("PUBACK waits until the message counts as accepted", async () => {
  client.send(publishPacket("a", "x", { qos: 1, packetId: 7 }));
  // The answer to a later packet comes first, so PUBACK was not on its way.
  await client.settled();
  expect(receipts).toHaveLength(1);
  receipts[0]?.accepted(1);
  expect((await client.take(TYPE.puback)).body).toEqual(Buffer.of(0, 7));
});

test("a message the store refuses is not acknowledged: the connection closes", async () => {
  client.send(publishPacket("a", "x", { qos: 1 }));
  await client.settled();
  receipts[0]?.refused(new GatewayError("store_unavailable", "the disk is full"));
  await client.closed();
});

test("[MQTT-4.3.3-2] a QoS 2 message sent again before its commit is accepted once", async () => {
  client.send(publishPacket("a", "x", { qos: 2, packetId: 3 }));
  client.send(publishPacket("a", "x", { qos: 2, packetId: 3, dup: true }));
  await client.settled();
  expect(receipts).toHaveLength(1);
  receipts[0]?.accepted(1);
  await client.take(TYPE.pubrec);
  await client.take(TYPE.pubrec);
  client.send(acknowledgement(TYPE.pubrel, 3));
  await client.take(TYPE.pubcomp);
});
