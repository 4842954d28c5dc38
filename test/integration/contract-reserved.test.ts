import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EGRESSES, INGRESSES } from "../support/contract/transports.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";

let gateway: RunningGateway;

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(() => gateway.stop());

describe.each(INGRESSES)("a reserved topic published by $name", (ingress) => {
  test("[MQTT-4.7.2-1] is refused, and no reader of any transport sees it", async () => {
    const readers = await Promise.all(EGRESSES.map((egress) => egress.open(gateway.urls, ["#"])));
    const publisher = await ingress.open(gateway.urls);
    const refused = publisher.publish("$forged/state", Buffer.from("forged"));
    if (ingress.qos > 0) await expect(refused).rejects.toThrow();
    else await refused;
    const other = await ingress.open(gateway.urls);
    await other.publish("marker", Buffer.from(ingress.name));
    for (const reader of readers) {
      const message = await reader.next();
      expect([message.topic, String(message.payload)]).toEqual(["marker", ingress.name]);
      await reader.close();
    }
    await publisher.close();
    await other.close();
  });
});
