import { afterEach, describe, expect, test } from "vitest";
import { RawConnection, send } from "../support/http-client.ts";
import { type RunningHttp, startHttp } from "../support/http-transport.ts";

let running: RunningHttp | null = null;
const opened: RawConnection[] = [];

function open(port: number, text: string): RawConnection {
  const connection = new RawConnection(port);
  opened.push(connection);
  connection.write(text);
  return connection;
}

afterEach(async () => {
  for (const connection of opened.splice(0)) connection.close();
  await running?.stop();
  running = null;
});

/** As Java's HttpClient and `curl --http2` offer it with every request (RFC 7540 §3.2). */
const H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";

describe("a request that offers another protocol", () => {
  test("is served as if it did not when that is h2c, its body in pieces (RFC 9110 §7.8)", async () => {
    running = await startHttp();
    const { port, bus, sessions } = running;
    const head = `POST /v1/topics/a HTTP/1.1\r\nHost: x\r\n${H2C}Content-Length: 4\r\n\r\n`;
    const client = open(port, `${head}ab`);
    client.write("cd");
    await client.until((text) => text.includes('"offset":1}'));
    client.write(head);
    client.write("efgh");
    await client.until((text) => text.includes('"offset":2}'));
    const payloads = [1, 2].map((offset) => String(bus.messageAt(offset)?.payload));
    expect(payloads).toEqual([String(Buffer.from("abcd")), String(Buffer.from("efgh"))]);
    expect(sessions.count).toBe(1);
  });

  test("is not served behind an answer under way, which would land in the other protocol", async () => {
    running = await startHttp();
    const { port, transport } = running;
    let upgrades = 0;
    transport.onUpgrade((_request, socket) => {
      upgrades += 1;
      socket.destroy();
    });
    const websocket =
      "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    const client = open(port, `GET /v1/poll?filter=a HTTP/1.1\r\nHost: x\r\n\r\n${websocket}`);
    expect(await client.untilEnd()).toBe("");
    expect(upgrades).toBe(0);
    const { body } = await send(port, "GET", "/v1/status");
    expect(JSON.parse(body.toString())).toMatchObject({ heldPolls: 0 });
  });
});
