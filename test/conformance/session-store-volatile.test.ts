import { VOLATILE_SESSIONS } from "../../src/bus/volatile-stores.ts";
import { sessionStoreContract } from "./session-store-contract.ts";

// What survives the process is no promise of it.
sessionStoreContract("volatile", () => ({
  sessions: VOLATILE_SESSIONS,
  flushed: () => new Promise((resolve) => VOLATILE_SESSIONS.whenDurable(() => resolve())),
}));
