import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import { runTributary } from "../support/tributary.ts";

let occupant: Server | null = null;

afterEach(() => {
  occupant?.close();
  occupant = null;
});

test("a port that is taken is named, every other listener is closed again, and the exit code is 1", async () => {
  occupant = createServer().listen(0, "127.0.0.1");
  await once(occupant, "listening");
  const address = occupant.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const args = [
    "serve",
    "--store",
    "memory",
    "--http-port",
    "0",
    "--mqtt-port",
    `${port}`,
    "--tcp-port",
    "0",
  ];
  const { code, err } = await runTributary(args);
  expect(code).toBe(1);
  expect(err).toContain("EADDRINUSE");
  expect(err).toContain(`${port}`);
});
