import { expect, test } from "vitest";
import { StoreError } from "../../src/bus/store-port.ts";
import { storeDirectory } from "../support/disk-gateway.ts";
import { FaultyEnvironment } from "../support/faulty-environment.ts";
import { startGateway } from "../support/gateway.ts";

test("a disk that hangs does not keep the gateway from stopping, and the stop says so", async () => {
  const directory = await storeDirectory();
  const disk = new FaultyEnvironment({ directory, isFlushed: true });
  const store = { kind: "lmdb", dataDir: directory };
  const { gateway, urls } = await startGateway({ store }, { storeEnvironment: disk });
  disk.isHolding = true;
  const publish = fetch(`${urls.http}/v1/topics/t`, { method: "POST", body: "x" });
  // Answered by the end of its connection: the message was never acknowledged.
  const outcome = publish.then(
    ({ status }) => status,
    () => "cut off",
  );
  await expect.poll(() => gateway.bus.lastOffset).toBe(1);
  const stopped = gateway.stop(100);
  await expect(stopped).rejects.toBeInstanceOf(StoreError);
  expect(await outcome).toBe("cut off");
  disk.release();
});
