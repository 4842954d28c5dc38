import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { PemPair } from "../../src/cli/development-ca.ts";
import {
  CertificateFolder,
  secureConnection,
  startTlsGateway,
  type TlsGateway,
} from "../support/tls.ts";
import { requireTool } from "../support/tools.ts";

let folder: CertificateFolder;
let running: TlsGateway;

beforeEach(async () => {
  folder = await CertificateFolder.create();
});

afterEach(async () => {
  await running.stop();
  await folder.remove();
});

function start(more: Readonly<Record<string, unknown>> = {}): Promise<TlsGateway> {
  const tls = folder.listener(more);
  return startTlsGateway({ http: { tls }, mqtt: { tls }, tcp: { tls } });
}

function fingerprint({ cert }: PemPair): string {
  return new X509Certificate(cert).fingerprint256;
}

/** The fingerprint of what a listener shows to a new connection. */
async function shown(scheme: string): Promise<string | undefined> {
  const socket = await connect(scheme);
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

function connect(scheme: string): Promise<TLSSocket> {
  const ca = folder.ca.pem.cert;
  return secureConnection({ port: running.port(scheme), servername: "localhost", ca });
}

const SCHEMES = ["https", "mqtts", "tls"];

describe("a renewed certificate", () => {
  test("is shown by every listener once the files are read again", async () => {
    running = await start();
    const before = await Promise.all(SCHEMES.map(shown));
    const renewed = await folder.renewServer();
    await running.gateway.reload();
    const after = await Promise.all(SCHEMES.map(shown));
    expect(new Set(before).size).toBe(1);
    expect(after).toEqual(SCHEMES.map(() => fingerprint(renewed)));
  });

  test("goes unnoticed by a session that is open", async () => {
    running = await start();
    const socket = await connect("tls");
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    const next = async () => JSON.parse((await lines.next()).value ?? "null");
    expect(await next()).toMatchObject({ type: "welcome" });
    socket.write(`${JSON.stringify({ type: "subscribe", id: 1, filter: "a" })}\n`);
    expect(await next()).toMatchObject({ type: "subscribed" });
    expect(await next()).toMatchObject({ type: "live" });
    await folder.renewServer();
    await running.gateway.reload();
    socket.write(`${JSON.stringify({ type: "publish", topic: "a", payload: "after" })}\n`);
    expect(await next()).toMatchObject({ type: "message", payload: "after" });
    socket.destroy();
  });

  test("is found without a signal, as soon as its files are there", async () => {
    running = await start();
    const loaded = running.log.next("certificate loaded");
    const renewed = await folder.renewServer();
    expect((await loaded).fields).toMatchObject({ fingerprint: fingerprint(renewed) });
    await expect.poll(() => shown("tls")).toBe(fingerprint(renewed));
  });

  test("is found behind a link that is changed, as Kubernetes does it", async () => {
    const version = async (name: string): Promise<PemPair> => {
      const pair = await folder.ca.issue({ is: "server", hosts: ["localhost"] }, new Date(), 90);
      await mkdir(folder.file(name));
      await writeFile(folder.file(`${name}/tls.crt`), pair.cert);
      await writeFile(folder.file(`${name}/tls.key`), pair.key);
      await symlink(name, folder.file(`${name}-link`));
      await rename(folder.file(`${name}-link`), folder.file("..data"));
      return pair;
    };
    await version("..2026_1");
    await symlink("..data/tls.crt", folder.file("tls.crt"));
    await symlink("..data/tls.key", folder.file("tls.key"));
    running = await start({ certFile: folder.file("tls.crt"), keyFile: folder.file("tls.key") });
    for (const name of ["..2026_2", "..2026_3"]) {
      const renewed = await version(name);
      await expect.poll(() => shown("mqtts"), { timeout: 5_000 }).toBe(fingerprint(renewed));
    }
  });

  test.skipIf(requireTool("openssl"))(
    "comes with the certificates between it and its CA",
    async () => {
      running = await start();
      // The CA's own stands for one in between: what is asked is only whether the whole file is shown.
      const renewed = await folder.renewServer();
      await folder.put("server.pem", renewed.cert + folder.ca.pem.cert);
      const chain = async (): Promise<number> => {
        const place = [
          "-connect",
          `127.0.0.1:${running.port("https")}`,
          "-servername",
          "localhost",
        ];
        const text = await new Promise<string>((resolve) => {
          const child = execFile("openssl", ["s_client", ...place, "-showcerts"], (_, out) =>
            resolve(out),
          );
          child.stdin?.end();
        });
        return [...text.matchAll(/BEGIN CERTIFICATE/g)].length;
      };
      expect(await chain()).toBe(1);
      await running.gateway.reload();
      expect(await chain()).toBe(2);
    },
  );

  test("can bring another CA for the clients' certificates", async () => {
    const alice = await folder.client("alice");
    const other = await CertificateFolder.create();
    const bob = await other.client("bob");
    running = await start({ clientCertificates: "require", caFile: folder.file("ca.pem") });
    const isIn = async (own: PemPair): Promise<boolean> => {
      const ca = folder.ca.pem.cert;
      const place = { port: running.port("tls"), servername: "localhost", ca };
      const socket = await secureConnection({ ...place, cert: own.cert, key: own.key });
      return new Promise<boolean>((resolve) => {
        socket.once("data", () => resolve(true)).on("error", () => undefined);
        socket.once("close", () => resolve(false));
      }).finally(() => socket.destroy());
    };
    expect([await isIn(alice), await isIn(bob)]).toEqual([true, false]);
    await folder.put("ca.pem", other.ca.pem.cert);
    await running.gateway.reload();
    expect([await isIn(alice), await isIn(bob)]).toEqual([false, true]);
    await other.remove();
  });
});

describe("files that are of no use", () => {
  test.each([
    ["no certificate", async () => void (await folder.put("server.pem", "no certificate"))],
    ["a missing key", () => rm(folder.file("server-key.pem"))],
    [
      "a certificate of another key",
      async () => {
        const { cert } = await folder.ca.issue({ is: "client", name: "x" }, new Date(), 9);
        await folder.put("server.pem", cert);
      },
    ],
    ["an expired certificate", async () => void (await folder.renewServer(10, 11))],
  ])("%s leaves the certificate in use, an error line, and a ready gateway", async (_, spoil) => {
    running = await start();
    const before = await shown("https");
    await spoil();
    await running.gateway.reload();
    const errors = running.log.lines.filter(({ level }) => level === "error");
    expect(errors.length).toBeGreaterThanOrEqual(SCHEMES.length);
    expect(errors[0]?.message).toBe("certificate not reloaded, the one in use stays");
    expect(await shown("https")).toBe(before);
    const ready = await fetch(`http://127.0.0.1:${running.port("http")}/readyz`);
    expect(ready.status).toBe(200);
    const renewed = await folder.renewServer();
    await running.gateway.reload();
    expect(await shown("https")).toBe(fingerprint(renewed));
  });
});

test("files put back after an error line are a line, too, though nobody asked for it", async () => {
  const tls = folder.listener({});
  running = await startTlsGateway({ http: { tls }, mqtt: {}, tcp: {} });
  const key = await readFile(folder.file("server-key.pem"), "utf8");
  const refused = running.log.next("certificate not reloaded, the one in use stays");
  await folder.put("server-key.pem", "no key");
  await refused;
  const over = running.log.next("certificate unchanged");
  await folder.put("server-key.pem", key);
  expect((await over).level).toBe("info");
});

describe("the end of a certificate", () => {
  test.each([
    ["is a warning from 14 days before", 100, 87, "certificate expires soon", 12],
    ["is a warning after it, too", 10, 11, "certificate has expired", -2],
  ])("%s", async (_, days, ageDays, message, daysLeft) => {
    await folder.renewServer(days, ageDays);
    running = await start();
    const warnings = running.log.lines.filter(({ level }) => level === "warn");
    expect(warnings.map((line) => line.message)).toEqual([message, message, message]);
    expect(warnings[0]?.fields).toMatchObject({ transport: "http", daysLeft });
  });

  test("that is far is named in the line that says it was loaded", async () => {
    await folder.renewServer(100, 85);
    running = await start();
    expect(running.log.lines.filter(({ level }) => level === "warn")).toEqual([]);
    const loaded = running.log.lines.find((line) => line.message === "certificate loaded");
    expect(Date.parse(String(loaded?.fields.notAfter))).toBeGreaterThan(Date.now());
  });
});
