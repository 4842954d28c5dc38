import { existsSync, readFileSync } from "node:fs";
import net from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type RunningGateway, startGateway } from "../support/gateway.ts";

/** Linux's table of sockets; column 6 begins with the kind of the timer that runs (proc(5)). */
const SOCKETS = "/proc/net/tcp";
const KEEP_ALIVE_TIMER = "02";
const ESTABLISHED = "01";

let running: RunningGateway | null = null;
let client: net.Socket | null = null;

afterEach(async () => {
  client?.destroy();
  await running?.stop();
  running = null;
});

/** The timer of the gateway's end of an idle connection; `undefined` before it is established. */
function timerOf(port: number): string | undefined {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const rows = readFileSync(SOCKETS, "latin1").trim().split("\n").slice(1);
  const fields = rows.map((row) => row.trim().split(/\s+/));
  const row = fields.find(
    ([, local, , state]) => local?.endsWith(`:${hex}`) && state === ESTABLISHED,
  );
  return row?.[5]?.slice(0, 2);
}

describe("a peer that vanishes without a word", () => {
  test.skipIf(!existsSync(SOCKETS)).each(["mqtt", "tcp"] as const)(
    "is looked for by the kernel, whatever its client's keep-alive (only Linux shows a socket's timers)",
    async (transport) => {
      running = await startGateway();
      const port =
        transport === "tcp" ? running.urls.tcp.port : Number(new URL(running.urls.mqtt).port);
      client = net.connect(port, "127.0.0.1");
      await expect.poll(() => timerOf(port)).toBe(KEEP_ALIVE_TIMER);
    },
  );
});
