import { afterEach, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { httpSchemas } from "../../src/documents/http-schemas.ts";
import { LOG_LEVELS } from "../../src/telemetry/log-level.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { type RunningGateway, startGateway } from "../support/gateway.ts";
import { type Answer, RawConnection, send } from "../support/http-client.ts";

let gateway: RunningGateway | null = null;

afterEach(async () => {
  await gateway?.stop();
  gateway = null;
});

async function start() {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger("info", { write: (line) => lines.push(JSON.parse(line)) });
  gateway = await startGateway({}, { logLevel: logger }, logger);
  const port = Number(new URL(gateway.urls.http).port);
  const ask = (method: string, body?: string): Promise<Answer> =>
    send(port, method, "/v1/log-level", body === undefined ? {} : { body });
  return { lines, ask, url: gateway.urls.http };
}

test("the log level is told, and changed while the gateway runs", async () => {
  const { lines, ask } = await start();
  expect((await ask("GET")).json()).toEqual({ level: "info" });
  expect((await ask("PUT", '{"level":"debug"}')).json()).toEqual({ level: "debug" });
  expect((await ask("GET")).json()).toEqual({ level: "debug" });
  expect(lines.at(-1)).not.toMatchObject({ msg: "session opened", level: "info" });
  expect(lines).toContainEqual(
    expect.objectContaining({ msg: "log level changed", from: "info", to: "debug", by: "http" }),
  );
});

test("sessions are logged when they open and close, at level debug only", async () => {
  const { lines, ask, url } = await start();
  await fetch(`${url}/v1/topics/log/before`, { method: "POST", body: "x" });
  expect(lines.filter(({ msg }) => msg === "session opened")).toEqual([]);
  await ask("PUT", '{"level":"debug"}');
  const connection = new RawConnection(Number(new URL(url).port));
  connection.write("POST /v1/topics/log/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  await connection.until((received) => received.includes("202"));
  const opened = lines.filter(({ msg }) => msg === "session opened");
  expect(opened).toMatchObject([{ level: "debug", transport: "http", address: "127.0.0.1" }]);
  connection.close();
  const { sessionId } = opened[0] ?? {};
  await expect
    .poll(() => lines.filter(({ msg }) => msg === "session closed"))
    .toContainEqual(expect.objectContaining({ level: "debug", transport: "http", sessionId }));
});

test.each(['{"level":"loud"}', "{}", '{"level":"info","more":1}', "debug", "\xff"])(
  "the body %j is refused and changes nothing",
  async (body) => {
    const { ask } = await start();
    expect((await ask("PUT", body)).status).toBe(400);
    expect((await ask("GET")).json()).toEqual({ level: "info" });
  },
);

test("other methods are refused with those there are", async () => {
  const { ask } = await start();
  const answer = await ask("DELETE");
  expect(answer.status).toBe(405);
  expect(answer.headers.allow).toBe("GET, HEAD, PUT, OPTIONS");
});

test("the document knows every level", () => {
  const { LogLevel } = httpSchemas(parseConfig({}));
  expect(LogLevel).toMatchObject({ properties: { level: { enum: LOG_LEVELS } } });
});

test("a gateway logs one line for each step of its life", async () => {
  const { lines } = await start();
  const running = gateway;
  await running?.gateway.drain(1_000);
  await running?.stop();
  const steps = lines.map(({ msg }) => msg);
  expect(steps.filter((step) => step !== "listening")).toEqual([
    "starting",
    "ready",
    "draining",
    "drained",
    "stopped",
  ]);
  expect(steps.filter((step) => step === "listening")).toHaveLength(3);
});
