import { expect, test } from "vitest";
import { createLogger, type LogLevel } from "../../src/telemetry/logger.ts";

function logged(level: LogLevel) {
  const lines: unknown[] = [];
  return { lines, logger: createLogger(level, { write: (line) => lines.push(JSON.parse(line)) }) };
}

test("writes one JSON object a line with level, time, fields and message", () => {
  const { lines, logger } = logged("info");
  logger.info("listening", { transport: "mqtt", address: "127.0.0.1", port: 1883 });
  expect(lines).toEqual([
    {
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      transport: "mqtt",
      address: "127.0.0.1",
      port: 1883,
      msg: "listening",
    },
  ]);
});

test("leaves out what is below its level", () => {
  const { lines, logger } = logged("warn");
  logger.debug("a");
  logger.info("b");
  logger.warn("c");
  logger.error("d");
  expect(lines).toMatchObject([{ msg: "c" }, { msg: "d" }]);
});

test("adds the fields of a child to each of its lines", () => {
  const { lines, logger } = logged("info");
  logger.child({ session: "s1" }).info("connected", { transport: "tcp" });
  expect(lines).toMatchObject([{ session: "s1", transport: "tcp", msg: "connected" }]);
});

test("writes an error with its cause", () => {
  const { lines, logger } = logged("info");
  logger.error("defect", { error: new Error("outer", { cause: new Error("inner") }) });
  expect(lines).toMatchObject([{ error: { message: "outer", cause: { message: "inner" } } }]);
});

test.each(["payload", "password", "token", "authorization"])(
  "does not write a field named %s",
  (name) => {
    const { lines, logger } = logged("info");
    logger.child({ [name]: "s3cret" }).info("connected", { [name]: "s3cret" });
    expect(JSON.stringify(lines)).not.toContain("s3cret");
  },
);
