import { execFile } from "node:child_process";
import { once } from "node:events";
import { connect as connectPlain, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { connectAsync } from "mqtt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import {
  CertificateFolder,
  secureConnection,
  startTlsGateway,
  type TlsGateway,
} from "../support/tls.ts";
import { requireTool } from "../support/tools.ts";

const HANDSHAKE_TIMEOUT_MS = 300;

let folder: CertificateFolder;
let stranger: CertificateFolder;
let running: TlsGateway;
let ca: string;

beforeAll(async () => {
  folder = await CertificateFolder.create();
  stranger = await CertificateFolder.create();
  ca = folder.ca.pem.cert;
  const tls = folder.listener({ handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS });
  running = await startTlsGateway({ http: { tls }, mqtt: { tls }, tcp: { tls } });
});

afterAll(async () => {
  await running.stop();
  await folder.remove();
  await stranger.remove();
});

interface Ended {
  readonly code: number;
  readonly text: string;
}

/** Runs a program to its end; its exit code and all it printed. */
function run(program: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(program, [...args], { timeout: 10_000 }, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, text: out + err }),
    );
  });
}

/** The value retained for a topic, read over HTTPS. */
async function retained(topic: string): Promise<string> {
  const url = `https://localhost:${running.port("https")}/v1/topics/${topic}`;
  const { text } = await run("curl", ["-sS", "--cacert", folder.file("ca.pem"), url]);
  return text;
}

/** Reads the JSON objects of a connection, one a line. */
async function* frames(socket: Socket): AsyncGenerator<Record<string, unknown>> {
  for await (const line of createInterface({ input: socket })) yield JSON.parse(line);
}

async function nextFrame(
  reading: AsyncGenerator<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const { value, done } = await reading.next();
  if (done === true) throw new Error("the connection ended");
  return value;
}

describe("foreign clients", () => {
  test.skipIf(requireTool("curl"))(
    "curl publishes over HTTPS to whom its CA vouches for",
    async () => {
      const url = `https://localhost:${running.port("https")}/v1/topics/tls/curl?retain=true`;
      const by = (file: string) => run("curl", ["-sS", "--cacert", file, "-d", "21.5", url]);
      expect(await by(folder.file("ca.pem"))).toMatchObject({ code: 0 });
      expect(await retained("tls/curl")).toBe("21.5");
      // 60: the server's certificate cannot be verified (curl's manual, EXIT CODES).
      expect(await by(stranger.file("ca.pem"))).toMatchObject({ code: 60 });
    },
  );

  test.skipIf(requireTool("curl"))("the page at / names addresses of TLS", async () => {
    const base = `https://localhost:${running.port("https")}`;
    const { text } = await run("curl", ["-sS", "--cacert", folder.file("ca.pem"), `${base}/`]);
    expect(text).toContain(`${base}/v1/topics/`);
    expect(text).toContain("wss://localhost");
    expect(text).not.toMatch(/\b(http|ws):\/\//);
  });

  test.skipIf(requireTool("mosquitto_pub"))("mosquitto_pub publishes over MQTTS", async () => {
    const by = (file: string, payload: string) => {
      const place = ["-h", "localhost", "-p", String(running.port("mqtts")), "--cafile", file];
      return run("mosquitto_pub", [
        ...place,
        "-q",
        "1",
        "-r",
        "-t",
        "tls/mosquitto",
        "-m",
        payload,
      ]);
    };
    expect(await by(folder.file("ca.pem"), "trusted")).toMatchObject({ code: 0 });
    expect((await by(stranger.file("ca.pem"), "not trusted")).code).not.toBe(0);
    expect(await retained("tls/mosquitto")).toBe("trusted");
  });

  test.each(["mqtts", "wss"] as const)("MQTT.js exchanges messages over %s", async (scheme) => {
    const port = running.port(scheme === "wss" ? "https" : "mqtts");
    const url = `${scheme}://localhost:${port}${scheme === "wss" ? "/mqtt" : ""}`;
    const tls = scheme === "wss" ? { wsOptions: { ca } } : { ca };
    const client = await connectAsync(url, { ...tls, reconnectPeriod: 0 });
    const message = new Promise<[string, Buffer]>((resolve) => {
      client.once("message", (topic, payload) => resolve([topic, payload]));
    });
    await client.subscribeAsync("tls/echo", { qos: 1 });
    await client.publishAsync("tls/echo", "over TLS", { qos: 1 });
    const [topic, payload] = await message;
    expect([topic, String(payload)]).toEqual(["tls/echo", "over TLS"]);
    await client.endAsync();
  });

  test("a WebSocket client speaks commands over wss", async () => {
    const socket = new WebSocket(`wss://localhost:${running.port("https")}/ws`, { ca });
    const [welcome] = await once(socket, "message");
    expect(JSON.parse(String(welcome))).toMatchObject({ type: "welcome" });
    socket.close();
    await once(socket, "close");
  });

  test("a client of another CA is told nothing", async () => {
    const attempt = secureConnection({
      port: running.port("tls"),
      servername: "localhost",
      ca: stranger.ca.pem.cert,
    });
    await expect(attempt).rejects.toMatchObject({ code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });
  });
});

describe("raw TCP over TLS", () => {
  test("whoever ends its side still gets every answer", async () => {
    const socket = await secureConnection({
      port: running.port("tls"),
      servername: "localhost",
      ca,
    });
    socket.allowHalfOpen = true;
    const reading = frames(socket);
    expect(await nextFrame(reading)).toMatchObject({ type: "welcome" });
    const payload = "x".repeat(100_000);
    for (let id = 1; id <= 20; id += 1) {
      socket.write(`${JSON.stringify({ type: "publish", id, topic: "tls/tcp", payload })}\n`);
    }
    socket.end();
    for (let id = 1; id <= 20; id += 1) {
      expect(await nextFrame(reading)).toMatchObject({ type: "published", id });
    }
    expect((await reading.next()).done).toBe(true);
  });
});

describe("the handshake", () => {
  test.each([
    ["https", "http/1.1"],
    ["mqtts", "mqtt"],
  ])(
    "RFC 7301 §3.2: %s settles on %s, and speaks with nobody who wants something else",
    async (scheme, name) => {
      const place = { port: running.port(scheme), servername: "localhost", ca };
      const socket = await secureConnection({ ...place, ALPNProtocols: ["h2", name] });
      expect(socket.alpnProtocol).toBe(name);
      socket.destroy();
      await expect(secureConnection({ ...place, ALPNProtocols: ["h2"] })).rejects.toThrow();
    },
  );

  test.each(["https", "mqtts", "tls"])(
    "%s ends a connection that never finishes it",
    async (scheme) => {
      const socket = connectPlain({ host: "127.0.0.1", port: running.port(scheme) });
      const startedAt = performance.now();
      socket.resume();
      await once(socket, "close");
      expect(performance.now() - startedAt).toBeGreaterThan(HANDSHAKE_TIMEOUT_MS - 50);
    },
  );

  test("connections in their handshake count, and their end makes room", async () => {
    const tls = folder.listener({ handshakeTimeoutMs: 60_000 });
    const small = await startTlsGateway({ http: {}, mqtt: {}, tcp: { tls, maxConnections: 2 } });
    const place = { port: small.port("tls"), servername: "localhost", ca };
    const silent = [0, 1].map(() => connectPlain({ host: "127.0.0.1", port: place.port }));
    await Promise.all(silent.map((socket) => once(socket, "connect")));
    await expect(secureConnection(place)).rejects.toThrow();
    for (const socket of silent) socket.destroy();
    await expect
      .poll(() =>
        secureConnection(place).then(
          () => "in",
          () => "out",
        ),
      )
      .toBe("in");
    await small.stop();
  });

  test.each(["https", "mqtts", "tls"])(
    "one under way on %s does not hold up the end of the gateway",
    async (scheme) => {
      const tls = folder.listener({ handshakeTimeoutMs: 60_000 });
      const ending = await startTlsGateway({ http: { tls }, mqtt: { tls }, tcp: { tls } });
      const socket = connectPlain({ host: "127.0.0.1", port: ending.port(scheme) });
      await once(socket, "connect");
      const closed = once(socket.resume(), "close");
      await ending.gateway.drain(5_000);
      await closed;
      await ending.stop();
    },
  );

  test("minVersion TLSv1.3 refuses a client of TLS 1.2", async () => {
    const tls = folder.listener({ minVersion: "TLSv1.3" });
    const modern = await startTlsGateway({ http: { tls }, mqtt: {}, tcp: {} });
    const place = { port: modern.port("https"), servername: "localhost", ca };
    await expect(secureConnection({ ...place, maxVersion: "TLSv1.2" })).rejects.toThrow();
    const socket = await secureConnection(place);
    expect(socket.getProtocol()).toBe("TLSv1.3");
    socket.destroy();
    await modern.stop();
  });
});

describe("listeners", () => {
  test("the plain ones can be left closed", async () => {
    const tls = folder.listener();
    const secure = await startTlsGateway({
      http: { enabled: false, tls },
      mqtt: { enabled: false, tls },
      tcp: { enabled: false, tls },
    });
    const ports = (schemes: readonly string[]) => schemes.map((scheme) => secure.port(scheme) > 0);
    expect(ports(["http", "mqtt", "tcp"])).toEqual([false, false, false]);
    expect(ports(["https", "mqtts", "tls"])).toEqual([true, true, true]);
    await secure.stop();
  });

  test("files that are of no use are named all at once, each with its cause", async () => {
    const locked = folder.file("locked.pem");
    await run("openssl", ["genrsa", "-aes256", "-passout", "pass:secret", "-out", locked, "2048"]);
    const attempt = startTlsGateway({
      http: { tls: folder.listener({ certFile: folder.file("none.pem") }) },
      mqtt: { tls: folder.listener({ keyFile: stranger.file("server-key.pem") }) },
      tcp: { tls: folder.listener({ keyFile: locked }) },
    });
    await expect(attempt).rejects.toMatchObject({
      problems: [
        {
          path: "http.tls.certFile",
          text: expect.stringMatching(/none\.pem cannot be read: ENOENT/),
        },
        { path: "mqtt.tls.keyFile", text: expect.stringContaining("is not the private key of") },
        { path: "tcp.tls.keyFile", text: expect.stringContaining("locked with a passphrase") },
      ],
    });
  });

  test("a file that holds something else is named", async () => {
    const noise = await folder.put("noise.pem", "no certificate");
    const attempt = startTlsGateway({
      http: { tls: folder.listener({ certFile: noise }) },
      mqtt: { tls: folder.listener({ keyFile: noise }) },
      tcp: { tls: folder.listener({ caFile: noise, clientCertificates: "require" }) },
    });
    await expect(attempt).rejects.toMatchObject({
      problems: [
        {
          path: "http.tls.certFile",
          text: expect.stringContaining("noise.pem is not a certificate"),
        },
        {
          path: "mqtt.tls.keyFile",
          text: expect.stringContaining("noise.pem is not a private key"),
        },
        { path: "tcp.tls.caFile", text: expect.stringContaining("noise.pem is not a certificate") },
      ],
    });
  });
});
