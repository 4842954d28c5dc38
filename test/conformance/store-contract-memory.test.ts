import { MemoryMessageLog } from "../../src/store/memory/message-log.ts";
import { MemoryRetainedStore } from "../../src/store/memory/retained-store.ts";
import { messageLogContract, retainedStoreContract } from "./store-contract.ts";

messageLogContract(
  "memory",
  ({ epoch, clock, ...window }) => new MemoryMessageLog({ epoch, window, clock }),
);
retainedStoreContract("memory", () => new MemoryRetainedStore());
