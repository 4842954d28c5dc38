import { afterEach, describe, expect, test } from "vitest";
import { ANONYMOUS } from "../../src/bus/ports.ts";
import { GatewayError } from "../../src/errors.ts";
import type { Authenticator } from "../../src/security/authenticator.ts";
import { RawConnection, send } from "../support/http-client.ts";
import { type HttpTestOptions, type RunningHttp, startHttp } from "../support/http-transport.ts";

let running: RunningHttp | null = null;

async function start(options: HttpTestOptions = {}): Promise<RunningHttp> {
  running = await startHttp(options);
  return running;
}

afterEach(async () => {
  await running?.stop();
  running = null;
});

const basic = (text: string) => ({
  Authorization: `Basic ${Buffer.from(text).toString("base64")}`,
});

/** Knows one user by password, one by token, and nobody else. */
const STRICT: Authenticator = {
  async authenticate(credentials) {
    if (credentials.kind === "password" && credentials.password === "p:ö") {
      return { user: credentials.user };
    }
    if (credentials.kind === "token" && credentials.token === "t0ken") return { user: "robot" };
    throw new GatewayError("unauthenticated", "unknown user or wrong password");
  },
};

describe("identity", () => {
  test.each([
    ["Basic, as UTF-8 and with a colon in the password", basic("eve:p:ö"), 202],
    ["Bearer, in any case", { Authorization: "bEARER t0ken" }, 202],
    ["nothing", {}, 401],
    ["a wrong password", basic("eve:wrong"), 401],
    ["Basic without a colon", basic("eve"), 401],
    ["Basic that is not base64", { Authorization: "Basic ***" }, 401],
    ["an unknown scheme", { Authorization: "Digest x=y" }, 401],
  ])("%s is answered %i", async (_name, headers, status) => {
    const { port } = await start({ authenticator: STRICT });
    const answer = await send(port, "POST", "/v1/topics/a", { headers, body: "x" });
    expect(answer.status).toBe(status);
    if (status !== 401) return;
    expect(answer.json().code).toBe("unauthenticated");
    expect(answer.headers["www-authenticate"]).toContain("Basic realm=");
    expect(answer.headers["www-authenticate"]).toContain("Bearer realm=");
    expect(answer.body.toString()).not.toContain('wrong"');
  });

  test("who asks is found out anew when the header changes on one connection", async () => {
    const { port } = await start({ authenticator: STRICT });
    const connection = new RawConnection(port);
    const post = (user: string) => {
      const { Authorization } = basic(user);
      connection.write(
        `POST /v1/topics/a HTTP/1.1\r\nHost: x\r\nAuthorization: ${Authorization}\r\nContent-Length: 0\r\n\r\n`,
      );
    };
    post("eve:p:ö");
    await connection.until((text) => text.includes(" 202 "));
    post("eve:guess");
    await connection.until((text) => text.includes(" 401 "));
    connection.close();
  });

  test.each([
    ["POST", "/v1/topics/secret/a"],
    ["DELETE", "/v1/topics/secret/a"],
    ["GET", "/v1/topics/secret/a"],
    ["GET", "/v1/poll?filter=secret/a&timeout=1"],
    ["GET", "/v1/stream?filter=secret/a"],
  ])("access control denies %s %s", async (method, target) => {
    const isOpen = (name: string) => !name.startsWith("secret/");
    const { port } = await start({
      policy: {
        mayPublish: (_identity, topic) => isOpen(topic),
        maySubscribe: (_identity, filter) => isOpen(filter),
        mayReceive: (_identity, topic) => isOpen(topic),
      },
    });
    const answer = await send(port, method, target);
    expect([answer.status, answer.json().code]).toEqual([403, "forbidden"]);
  });

  test("what a wildcard covers and access control denies reaches neither poll nor stream", async () => {
    const { port, bus } = await start({
      policy: {
        mayPublish: () => true,
        maySubscribe: () => true,
        mayReceive: (_identity, topic) => topic !== "secret",
      },
    });
    const stream = new RawConnection(port);
    stream.write("GET /v1/stream?filter=%23 HTTP/1.1\r\nHost: x\r\n\r\n");
    await stream.until((text) => text.includes("id: "));
    const poll = send(port, "GET", "/v1/poll?filter=%23");
    while (bus.indexSize < 2) await send(port, "GET", "/healthz");
    await send(port, "POST", "/v1/topics/secret?retain=true", { body: "hidden" });
    await send(port, "POST", "/v1/topics/marker", { body: "shown" });
    expect((await poll).json().messages).toMatchObject([{ topic: "marker" }]);
    const received = await stream.until((text) => text.includes("marker"));
    expect(received).not.toContain("hidden");
    const retained = await send(port, "GET", "/v1/poll?filter=%23&retained=true&timeout=0");
    expect(retained.status).toBe(204);
    stream.close();
  });

  test("polls of two users that ask for the same are answered apart", async () => {
    const { port, bus } = await start({
      policy: {
        mayPublish: () => true,
        maySubscribe: () => true,
        mayReceive: ({ user }) => user !== ANONYMOUS.user,
      },
    });
    const anonymous = send(port, "GET", "/v1/poll?filter=a&timeout=1");
    const known = send(port, "GET", "/v1/poll?filter=a&timeout=1", { headers: basic("eve:x") });
    while (bus.indexSize < 2) await send(port, "GET", "/healthz");
    await send(port, "POST", "/v1/topics/a", { body: "x" });
    expect((await known).json().messages).toHaveLength(1);
    expect((await anonymous).status).toBe(204);
  });
});

describe("pages of other origins", () => {
  const ORIGIN = "https://elsewhere.example";

  test.each([
    ["POST", "/v1/topics/a"],
    ["DELETE", "/v1/topics/a"],
    ["GET", "/v1/poll?filter=a&timeout=0"],
    ["OPTIONS", "/v1/topics/a"],
    ["GET", "/v1/status"],
  ])("%s %s from a foreign page is refused by default", async (method, target) => {
    const { port, bus } = await start();
    const headers = { Origin: ORIGIN };
    const answer = await send(port, method, target, { headers });
    expect([answer.status, answer.json().code]).toEqual([403, "forbidden"]);
    expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
    expect(bus.lastOffset).toBe(0);
  });

  test("a page of the gateway's own origin may publish", async () => {
    const { port } = await start();
    const headers = { Origin: `http://127.0.0.1:${port}`, Host: `127.0.0.1:${port}` };
    const answer = await send(port, "POST", "/v1/topics/a", { headers, body: "x" });
    expect(answer.status).toBe(202);
  });

  test("an allowed origin passes its preflight and may read the cursor", async () => {
    const { port } = await start({ http: { allowedOrigins: [ORIGIN] } });
    const headers = { Origin: ORIGIN, "Access-Control-Request-Method": "DELETE" };
    const preflight = await send(port, "OPTIONS", "/v1/topics/a", { headers });
    expect([preflight.status, preflight.headers]).toMatchObject([
      204,
      {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-methods": "GET, HEAD, POST, DELETE, OPTIONS",
      },
    ]);
    const answer = await send(port, "GET", "/v1/poll?filter=a&timeout=0", {
      headers: { Origin: ORIGIN },
    });
    expect(answer.headers).toMatchObject({
      "access-control-allow-origin": ORIGIN,
      "access-control-expose-headers": expect.stringContaining("Tributary-Cursor"),
      vary: "Origin",
    });
  });

  test("* allows every origin, but refusals too must be readable", async () => {
    const { port } = await start({ http: { allowedOrigins: ["*"] } });
    const answer = await send(port, "GET", "/v1/poll?filter=a%23", { headers: { Origin: ORIGIN } });
    expect([answer.status, answer.headers["access-control-allow-origin"]]).toEqual([400, "*"]);
  });
});

describe("what one client makes another read", () => {
  test.each([
    "text/html\t; x",
    "text/html, text/plain",
    "html",
    'text/html; a="\u00e9"',
    "a/b\x7f",
  ])("a content type %j that does not parse is not served", async (contentType) => {
    const { port } = await start();
    const command = { topic: "page", payload: "<script>", retain: true, contentType };
    const body = JSON.stringify([command]);
    expect((await send(port, "POST", "/v1/publish", { body })).status).toBe(202);
    const answer = await send(port, "GET", "/v1/topics/page");
    expect(answer.status).toBe(200);
    expect(answer.headers).not.toHaveProperty("content-type");
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
  });

  test("topic, payload and properties with line ends stay inside their event", async () => {
    const { port } = await start();
    const stream = new RawConnection(port);
    stream.write("GET /v1/stream?filter=%23 HTTP/1.1\r\nHost: x\r\n\r\n");
    await stream.until((text) => text.includes("id: "));
    const evil = "x\n\nid: 1\nevent: gap\ndata: forged\r\r\u2028";
    const command = {
      topic: `evil/${evil}`,
      payload: evil,
      contentType: evil,
      userProperties: [[evil, evil]],
      responseTopic: `r/${evil}`,
    };
    await send(port, "POST", "/v1/publish", { body: JSON.stringify([command]) });
    const received = await stream.until((text) => text.includes("event: message"));
    await send(port, "POST", "/v1/topics/marker", { body: "" });
    const all = await stream.until((text) => text.includes("marker"));
    expect(received).not.toMatch(/\r?\nevent: gap/);
    expect(all.match(/^data: /gm)).toHaveLength(2);
    expect(all).not.toMatch(/^data: forged/m);
    stream.close();
  });

  test("a topic in a problem document is escaped", async () => {
    const { port } = await start();
    const answer = await send(port, "GET", "/v1/topics/%0d%0aX:%20y");
    expect([answer.status, answer.headers]).toMatchObject([
      404,
      { "x-content-type-options": "nosniff" },
    ]);
    expect(answer.headers).not.toHaveProperty("x");
  });
});
