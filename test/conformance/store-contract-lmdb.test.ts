import type { MessageLog } from "../../src/bus/ports.ts";
import { openLmdbStore, temporaryDirectory } from "../support/lmdb-store.ts";
import { type LogSettings, messageLogContract, retainedStoreContract } from "./store-contract.ts";

/** @param tailMessages what the memory holds, if not as much as the disk. */
async function open(settings: LogSettings, tailMessages?: number): Promise<MessageLog> {
  const { epoch, clock, ...disk } = settings;
  const tail = { ...disk, maxMessages: tailMessages ?? disk.maxMessages };
  const directory = await temporaryDirectory();
  return (await openLmdbStore({ directory, epoch, clock, tail, disk })).log;
}

messageLogContract("lmdb", open, 1);
messageLogContract("lmdb, what is not stored", open, 0);
messageLogContract("lmdb, with next to nothing in memory", (settings) => open(settings, 1), 1);
retainedStoreContract("lmdb", async () => {
  return (await openLmdbStore({ directory: await temporaryDirectory() })).retained;
});
