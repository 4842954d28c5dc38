import { LmdbSessions } from "../../src/store/lmdb/lmdb-sessions.ts";
import { makeDirectory, openLmdb } from "../support/lmdb-kit.ts";
import {
  type LastingSessions,
  lastingSessionContract,
  sessionStoreContract,
} from "./session-store-contract.ts";

function open(directory: string, isLazy: boolean): LastingSessions {
  const { environment, queue, flushed, close } = openLmdb(directory, { isLazy });
  return {
    sessions: new LmdbSessions(environment, queue),
    flushed,
    reopen: async () => {
      await close();
      return open(directory, isLazy);
    },
  };
}

for (const isLazy of [false, true]) {
  const name = isLazy ? "lmdb, nobody waits for the disk" : "lmdb";
  sessionStoreContract(name, async () => open(await makeDirectory(), isLazy));
  lastingSessionContract(name, async () => open(await makeDirectory(), isLazy));
}
