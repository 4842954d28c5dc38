import { expect, test } from "vitest";
import { isMissing } from "../support/tools.ts";

test("an absent tool skips its tests on a developer's machine", () => {
  expect(isMissing("curl", false, false)).toBe(true);
});

test("an absent tool fails its tests with CI=true", () => {
  expect(() => isMissing("mosquitto_sub", false, true)).toThrow("Debian package mosquitto-clients");
});

test("a tool that is there skips nothing", () => {
  expect(isMissing("curl", true, true)).toBe(false);
});
