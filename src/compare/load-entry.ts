// The program of a load process: it answers calls over its channel until that closes.
import { DRIVERS } from "./driver/drivers.ts";
import { perform, readCall } from "./load-call.ts";
import { LocalLoad } from "./local-load.ts";

const load = new LocalLoad(DRIVERS);

const answer = (message: object): void => {
  // Once the channel is closed nobody waits for answers.
  if (process.connected) process.send?.(message);
};

process.on("message", (message) => {
  const { id, call } = readCall(message);
  perform(load, call).then(
    (value) => answer({ id, value }),
    (cause: unknown) =>
      answer({ id, failure: cause instanceof Error ? cause.message : String(cause) }),
  );
});

// Ctrl-C reaches the whole group; who started this process ends it by closing the channel.
process.on("SIGINT", () => undefined);
process.once("disconnect", () => void load.stop());
