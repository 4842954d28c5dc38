import { afterEach, describe, expect, test } from "vitest";
import { send } from "../support/http-client.ts";
import { type RunningHttp, startHttp } from "../support/http-transport.ts";

let running: RunningHttp | null = null;

afterEach(async () => {
  await running?.stop();
  running = null;
});

/** Resolves once `count` polls are held: asked of the gateway itself, as an operator would. */
async function held(port: number, count: number): Promise<void> {
  for (;;) {
    const status = await send(port, "GET", "/v1/status");
    if (status.json().heldPolls === count) return;
  }
}

describe("a held poll", () => {
  test("is told no gap for what the window drops meanwhile when none of it matched", async () => {
    running = await startHttp({ window: { maxMessages: 16 } });
    const { port } = running;
    const waiting = send(port, "GET", "/v1/poll?filter=rare");
    await held(port, 1);
    const busy = Array.from({ length: 40 }, () => ({ topic: "busy", payload: "" }));
    await send(port, "POST", "/v1/publish", { body: JSON.stringify(busy) });
    await send(port, "POST", "/v1/topics/rare", { body: "at last" });
    const answer = await waiting;
    expect(answer.status).toBe(200);
    expect(answer.json().messages).toMatchObject([{ topic: "rare", payload: "at last" }]);
  });
});
