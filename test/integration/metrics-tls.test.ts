import { once } from "node:events";
import { connect as connectPlain } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CertificateFolder, startTlsGateway, type TlsGateway } from "../support/tls.ts";

const PAYLOAD = "x".repeat(100_000);

let folder: CertificateFolder;
let tls: TlsGateway;

beforeAll(async () => {
  folder = await CertificateFolder.create();
  const listener = { tls: folder.listener() };
  tls = await startTlsGateway({ http: listener, mqtt: listener, tcp: listener });
});

afterAll(async () => {
  await tls.stop();
  await folder.remove();
});

function wireBytes(transport: string): Record<string, number> {
  const series = tls.gateway.telemetry.wire.series();
  return Object.fromEntries(
    series
      .filter(({ labels }) => labels.transport === transport)
      .map(({ labels, count }) => [labels.direction ?? "", count]),
  );
}

test("bytes of a TLS connection are those on the network, and stay when it has closed", async () => {
  const below = connectPlain({ host: "127.0.0.1", port: tls.port("tls") });
  const socket = connectTls({ socket: below, ca: folder.ca.pem.cert, servername: "localhost" });
  await once(socket, "secureConnect");
  socket.setEncoding("utf8");
  let received = "";
  socket.on("data", (text: string) => {
    received += text;
  });
  const lineWith = async (text: string): Promise<void> => {
    while (!received.includes(text)) await once(socket, "data");
  };
  socket.write('{"type":"subscribe","id":1,"filter":"tls/#"}\n');
  await lineWith('"subscribed"');
  socket.write(`{"type":"publish","id":2,"topic":"tls/x","payload":"${PAYLOAD}"}\n`);
  await lineWith('"published"');
  await lineWith('"acceptedAt"');
  socket.write('{"type":"ping","id":3}\n');
  await lineWith('"pong"');
  const [bytesRead, bytesWritten] = [below.bytesRead, below.bytesWritten];
  expect(wireBytes("tcp")).toEqual({ in: bytesWritten, out: bytesRead });
  socket.end();
  await once(socket, "close");
  while (tls.gateway.sessions.count > 0) await new Promise((resolve) => setImmediate(resolve));
  // The closing alerts of both sides come on top.
  const after = wireBytes("tcp");
  expect(after.in).toBeGreaterThan(bytesWritten);
  expect(after.in).toBeLessThan(bytesWritten + 100);
  expect(after.out).toBeGreaterThanOrEqual(bytesRead);
  expect(after.out).toBeLessThan(bytesRead + 100);
});

test("a delivery over TLS is timed", () => {
  const [series] = tls.gateway.telemetry.deliveries.pairSeries();
  expect(series?.labels).toEqual({ ingress: "tcp", egress: "tcp" });
  expect(series?.histogram.count).toBe(1);
});
