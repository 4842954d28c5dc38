import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import type { MessageLog } from "../../src/bus/ports.ts";
import { RawConnection, send } from "../support/http-client.ts";
import { type RunningHttp, startHttp } from "../support/http-transport.ts";

let running: RunningHttp | null = null;

afterEach(async () => {
  await running?.stop();
  running = null;
});

/** A log that is behind until the test says otherwise. */
class BehindLog {
  isCongested = true;
  readonly waiting: (() => void)[] = [];

  wrap(log: MessageLog): MessageLog {
    return new Proxy(log, {
      get: (target, name) => {
        if (name === "isCongested") return this.isCongested;
        if (name === "whenRelieved") return (callback: () => void) => this.waiting.push(callback);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  relieve(): void {
    this.isCongested = false;
    for (const callback of this.waiting.splice(0)) callback();
  }
}

const POST = "POST /v1/topics/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx";

describe("while the store is behind", () => {
  test("a publisher that leaves publishes nothing and leaves no session behind", async () => {
    const log = new BehindLog();
    running = await startHttp({ wrapLog: (inner) => log.wrap(inner) });
    const { port, bus, sessions } = running;
    const client = new RawConnection(port);
    client.write(POST);
    while (log.waiting.length === 0) await send(port, "GET", "/healthz");
    const closed = once(client.socket, "close");
    client.socket.resetAndDestroy();
    await closed;
    // Its end is read before what is asked on a connection that is opened later.
    await send(port, "GET", "/healthz");
    log.relieve();
    expect([bus.lastOffset, sessions.count]).toEqual([0, 0]);
  });

  test("requests pipelined without end are refused, not all kept", async () => {
    const log = new BehindLog();
    running = await startHttp({ wrapLog: (inner) => log.wrap(inner) });
    const client = new RawConnection(running.port);
    client.write(POST.repeat(20));
    while (log.waiting.length < 16) await send(running.port, "GET", "/healthz");
    await send(running.port, "GET", "/healthz");
    expect(log.waiting.length).toBe(16);
    log.relieve();
    const answers = await client.until((text) => text.split("HTTP/1.1 ").length === 21);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual([
      ...Array.from({ length: 16 }, () => "HTTP/1.1 202"),
      ...Array.from({ length: 4 }, () => "HTTP/1.1 503"),
    ]);
    client.close();
  });
});
