import { expect, test } from "vitest";
import { terminalSink } from "../../src/cli/terminal.ts";
import { createLogger } from "../../src/telemetry/logger.ts";

function terminal() {
  const written: string[] = [];
  const sink = terminalSink({
    write: (text) => void written.push(String(text)),
    isTerminal: true,
    onClosed: () => undefined,
  });
  return { written, logger: createLogger("info", sink) };
}

test("shows time, level, message and fields of a log line", () => {
  const { written, logger } = terminal();
  logger.info("listening", { transport: "mqtt", port: 1883 });
  expect(written).toEqual([
    expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3} info {2}listening transport=mqtt port=1883\n$/),
  ]);
});

test("shows an error by its message", () => {
  const { written, logger } = terminal();
  logger.error("defect", { error: new Error("went wrong") });
  expect(written[0]).toContain('defect error="went wrong"\n');
});

test("does not let a peer's text steer the terminal", () => {
  const { written, logger } = terminal();
  logger.warn("refused", { client: "\u001b[2J\r\nforged line" });
  expect(written[0]).not.toContain("\u001b");
  expect(written[0]?.split("\n")).toHaveLength(2);
});
