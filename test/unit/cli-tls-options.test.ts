import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EndpointOptions, endpointOf, VIAS } from "../../src/cli/endpoint.ts";
import { UsageError } from "../../src/cli/usage-error.ts";

let folder: string;
let pem: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tributary-options-"));
  pem = join(folder, "some.pem");
  writeFileSync(pem, "PEM");
});

afterAll(() => rmSync(folder, { recursive: true }));

function endpoint(options: Partial<EndpointOptions>) {
  return endpointOf({ via: "mqtt", host: "gw", ...options });
}

describe("the options of TLS", () => {
  test.each([
    ["mqtt", "mqtts://gw:8883"],
    ["mqtt-ws", "wss://gw:8443/mqtt"],
    ["websocket", "wss://gw:8443/ws"],
    ["websocket-binary", "wss://gw:8443/ws"],
    ["sse", "https://gw:8443"],
    ["poll", "https://gw:8443"],
    ["http", "https://gw:8443"],
    ["tcp", "tls://gw:7084"],
  ] as const)("%s by TLS is %s", (via, url) => {
    expect(endpoint({ via, tls: true })).toMatchObject({ url, tls: { verifies: true } });
  });

  test("without them nothing is encrypted, and the address says so", () => {
    for (const via of VIAS) expect(endpoint({ via }).tls).toBeNull();
  });

  test.each(["--ca", "--cert and --key", "--insecure"])("%s means TLS", (option) => {
    const given = {
      "--ca": { ca: pem },
      "--cert and --key": { cert: pem, key: pem },
      "--insecure": { insecure: true as const },
    }[option];
    expect(endpoint(given ?? {}).url).toBe("mqtts://gw:8883");
  });

  test("the scheme of --url is enough, and then it verifies", () => {
    expect(endpoint({ url: "mqtts://other:1" }).tls).toEqual({ verifies: true });
  });

  test("only --insecure does not verify", () => {
    expect(endpoint({ insecure: true }).tls).toEqual({ verifies: false });
    expect(endpoint({ ca: pem, cert: pem, key: pem }).tls).toEqual({
      verifies: true,
      ca: "PEM",
      cert: "PEM",
      key: "PEM",
    });
  });

  test("an address in the clear is refused with them: a password must not leave by mistake", () => {
    expect(() => endpoint({ url: "mqtt://gw:1883", ca: pem })).toThrow(UsageError);
    expect(() => endpoint({ url: "http://gw:8080", tls: true })).toThrow(UsageError);
  });

  test("what does not go together is refused", () => {
    expect(() => endpoint({ cert: pem })).toThrow("--cert and --key go together");
    expect(() => endpoint({ key: pem })).toThrow("--cert and --key go together");
    expect(() => endpoint({ ca: pem, insecure: true })).toThrow("give one");
  });

  test("a file that cannot be read is named", () => {
    const missing = join(folder, "missing.pem");
    expect(() => endpoint({ ca: missing })).toThrow(`--ca ${missing}: ENOENT`);
  });
});
