import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { ConfigError } from "../../src/config/problem.ts";

type Settings = Readonly<Record<string, object>>;

/** What is wrong with the settings: `path: text`. */
function problemsOf(settings: Settings): string[] {
  try {
    parseConfig(settings);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path, text }) => `${path}: ${text}`);
  }
}

const FILES = { enabled: true, certFile: "cert.pem", keyFile: "key.pem" };

describe("TLS listeners", () => {
  test("one needs a certificate and its key", () => {
    expect(problemsOf({ mqtt: { tls: { enabled: true } } })).toEqual([
      expect.stringMatching(/^mqtt\.tls\.certFile: names no certificate.*tributary cert/),
      expect.stringMatching(/^mqtt\.tls\.keyFile: names no private key.*tributary cert/),
    ]);
    expect(problemsOf({ mqtt: { tls: FILES } })).toEqual([]);
  });

  test.each(["request", "require"])("clientCertificates: %s needs a CA", (clientCertificates) => {
    const tls = { ...FILES, clientCertificates };
    expect(problemsOf({ tcp: { tls } })).toEqual([
      expect.stringMatching(/^tcp\.tls\.caFile: names no CA/),
    ]);
    expect(problemsOf({ tcp: { tls: { ...tls, caFile: "ca.pem" } } })).toEqual([]);
  });

  test("one that is not opened needs nothing", () => {
    expect(problemsOf({ http: { tls: { clientCertificates: "require" } } })).toEqual([]);
  });

  test("its port is compared with every other", () => {
    expect(problemsOf({ http: { tls: { ...FILES, port: 1883 } } })).toEqual([
      "mqtt.port: 1883 is also http.tls.port",
    ]);
    const closed = { mqtt: { enabled: false }, http: { tls: { ...FILES, port: 1883 } } };
    expect(problemsOf(closed)).toEqual([]);
  });

  test("one that others can reach needs allowAnonymous, or a certificate of every client", () => {
    const tls = { ...FILES, host: "0.0.0.0", caFile: "ca.pem" };
    for (const clientCertificates of ["off", "request"]) {
      expect(problemsOf({ http: { tls: { ...tls, clientCertificates } } })).toEqual([
        expect.stringMatching(/^http\.tls\.host: .*security\.allowAnonymous/),
      ]);
    }
    const required = { ...tls, clientCertificates: "require" };
    expect(problemsOf({ http: { tls: required } })).toEqual([]);
    expect(problemsOf({ http: { tls }, security: { allowAnonymous: true } })).toEqual([]);
  });
});

test("at least one listener is opened", () => {
  const closed = { enabled: false };
  expect(problemsOf({ http: closed, mqtt: closed, tcp: closed })).toEqual([
    "http.enabled: false, and so is every other listener's: nobody could connect",
  ]);
  expect(problemsOf({ http: closed, mqtt: closed, tcp: { ...closed, tls: FILES } })).toEqual([]);
});
