import { expect, test } from "vitest";
import { type LogLevel, LogLevelSwitch } from "../../src/telemetry/log-level.ts";
import { createLogger } from "../../src/telemetry/logger.ts";

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

test("a change of the level is logged where it is seen, and holds for children", () => {
  const { lines, logger } = logged("warn");
  const child = logger.child({ part: "http" });
  const levels = new LogLevelSwitch(logger, logger);
  child.debug("before");
  levels.change("debug", "http");
  levels.change("debug", "http");
  child.debug("while");
  levels.change("error", "http");
  child.warn("after");
  expect(lines).toMatchObject([
    { msg: "log level changed", from: "warn", to: "debug", by: "http" },
    { msg: "while", part: "http" },
    { msg: "log level changed", from: "debug", to: "error", by: "http" },
  ]);
  expect(levels.level).toBe("error");
});

test("toggling goes to debug and back to the level of the settings", () => {
  const { logger } = logged("error");
  const levels = new LogLevelSwitch(logger, logger);
  levels.toggle("SIGUSR2");
  expect(logger.level).toBe("debug");
  levels.toggle("SIGUSR2");
  expect(logger.level).toBe("error");
});
