import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTlsFiles, type TlsSettings } from "../../src/security/tls-files.ts";
import { CertificateFolder, secureConnection } from "../support/tls.ts";

let folder: CertificateFolder;
let leaf: string;
let filler: string;

beforeAll(async () => {
  folder = await CertificateFolder.create();
  leaf = (await folder.renewServer()).cert;
  filler = folder.ca.pem.cert;
});

afterAll(() => folder.remove());

function bytesOf(pem: string): number {
  return Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ""), "base64").length;
}

/** The gateway's own certificate and so many others. */
async function chainOf(others: number): Promise<TlsSettings> {
  return {
    certFile: await folder.put("chain.pem", leaf + filler.repeat(others)),
    keyFile: folder.file("server-key.pem"),
    caFile: "",
    clientCertificates: "off",
    minVersion: "TLSv1.2",
    handshakeTimeoutMs: 5_000,
  };
}

/** How many others fit into the 100 KiB that OpenSSL takes, by RFC 8446 §4.4.2. */
function mostOthers(): number {
  return Math.floor((102_400 - 4 - (bytesOf(leaf) + 5)) / (bytesOf(filler) + 5));
}

test.each(["TLSv1.2", "TLSv1.3"] as const)(
  "the longest chain that loads is one that a client of %s takes",
  async (version) => {
    const { cert, key } = await readTlsFiles(await chainOf(mostOthers()));
    const server = createServer({ cert, key, minVersion: version, maxVersion: version });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const socket = await secureConnection({ port, servername: "localhost", ca: filler });
    expect(socket.getProtocol()).toBe(version);
    socket.destroy();
    server.close();
    await once(server, "close");
  },
);

test("a longer one is a problem of certFile that says how long it is", async () => {
  const others = mostOthers() + 1;
  await expect(readTlsFiles(await chainOf(others))).rejects.toMatchObject({
    name: "TlsFileError",
    setting: "certFile",
    message: expect.stringMatching(
      new RegExp(
        `chain\\.pem holds ${others + 1} certificates of 102\\d{3} bytes.* 102400 at most`,
      ),
    ),
  });
});
