import { once } from "node:events";
import { request } from "node:https";
import type { TLSSocket } from "node:tls";
import { connectAsync } from "mqtt";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import WebSocket from "ws";
import type { PemPair } from "../../src/cli/development-ca.ts";
import {
  CertificateFolder,
  secureConnection,
  startTlsGateway,
  type TlsGateway,
} from "../support/tls.ts";

let folder: CertificateFolder;
let alice: PemPair;
/** Signed by a CA that nobody here has heard of. */
let mallory: PemPair;
let running: TlsGateway;

beforeAll(async () => {
  folder = await CertificateFolder.create();
  alice = await folder.client("alice");
  const stranger = await CertificateFolder.create();
  mallory = await stranger.client("alice");
  await stranger.remove();
});

afterAll(() => folder.remove());

/** What a client says of itself, and whom it trusts. */
function options(scheme: string, own?: PemPair) {
  const ca = folder.ca.pem.cert;
  const place = { port: running.port(scheme), servername: "localhost", ca };
  return own === undefined ? place : { ...place, cert: own.cert, key: own.key };
}

function start(clientCertificates: string): Promise<TlsGateway> {
  const tls = folder.listener({ clientCertificates, caFile: folder.file("ca.pem") });
  return startTlsGateway({ http: { tls }, mqtt: { tls }, tcp: { tls } });
}

/** Whether the gateway says anything on a connection, or only ends it. TLS 1.3 tells a client late. */
async function isAdmitted(scheme: string, own?: PemPair): Promise<boolean> {
  try {
    return await answers(await secureConnection(options(scheme, own)), scheme);
  } catch {
    return false;
  }
}

async function answers(socket: TLSSocket, scheme: string): Promise<boolean> {
  const answered = new Promise<boolean>((resolve) => {
    socket.once("data", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
  if (scheme === "https") socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  // CONNECT with client id "c", keep-alive 60 s, clean session (MQTT 3.1.1 §3.1).
  else if (scheme === "mqtts") socket.write(Buffer.from("100d00044d5154540402003c000163", "hex"));
  const isAnswered = await answered;
  socket.destroy();
  return isAnswered;
}

function users(): (string | null)[] {
  return [...running.gateway.sessions.list()].map(({ identity }) => identity.user);
}

/** One request; resolves with its status once it is answered. The connection stays for `then`. */
function post(own: PemPair | undefined, then: () => void, authorization?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = authorization === undefined ? {} : { authorization };
    const settings = {
      ...options("https", own),
      host: "localhost",
      method: "POST",
      headers,
      agent: false,
    };
    const asked = request({ ...settings, path: "/v1/topics/a" }, (answer) => {
      then();
      answer.resume().on("end", () => resolve(answer.statusCode ?? 0));
    });
    asked.on("error", reject).end("x");
  });
}

const SCHEMES = ["https", "mqtts", "tls"];

afterEach(() => running.stop());

describe("require", () => {
  beforeEach(async () => {
    running = await start("require");
  });

  test.each(SCHEMES)(
    "%s admits who shows a certificate of the CA, and nobody else",
    async (scheme) => {
      expect(await isAdmitted(scheme, alice)).toBe(true);
      expect(await isAdmitted(scheme)).toBe(false);
      expect(await isAdmitted(scheme, mallory)).toBe(false);
    },
  );
});

describe("request", () => {
  beforeEach(async () => {
    running = await start("request");
  });

  test.each(SCHEMES)("%s admits who has none, and refuses one of another CA", async (scheme) => {
    expect(await isAdmitted(scheme)).toBe(true);
    expect(await isAdmitted(scheme, alice)).toBe(true);
    expect(await isAdmitted(scheme, mallory)).toBe(false);
  });

  test("its common name is the user of an HTTP request, unless that says otherwise", async () => {
    const seen: (string | null)[] = [];
    const look = (): void => void seen.push(...users());
    expect(await post(alice, look)).toBe(202);
    await expect.poll(() => users()).toEqual([]);
    expect(await post(undefined, look)).toBe(202);
    await expect.poll(() => users()).toEqual([]);
    const basic = `Basic ${Buffer.from("bob:secret").toString("base64")}`;
    expect(await post(alice, look, basic)).toBe(202);
    expect(seen).toEqual(["alice", null, "bob"]);
  });

  test("its common name is the user of a WebSocket", async () => {
    const socket = new WebSocket(`wss://localhost:${running.port("https")}/ws`, {
      ...options("https", alice),
    });
    await once(socket, "message");
    expect(users()).toEqual(["alice"]);
    socket.terminate();
  });

  test("its common name is the user of raw TCP", async () => {
    const socket = await secureConnection(options("tls", alice));
    await once(socket, "data");
    expect(users()).toEqual(["alice"]);
    socket.destroy();
  });

  test("a resumed session is who it was: nobody, or the user of its certificate", async () => {
    for (const [own, user] of [
      [undefined, null],
      [alice, "alice"],
    ] as const) {
      const first = await secureConnection(options("tls", own));
      const [session]: Buffer[] = await once(first, "session");
      first.destroy();
      await expect.poll(() => users()).toEqual([]);
      const resumed = await secureConnection({
        ...options("tls", own),
        ...(session === undefined ? {} : { session }),
      });
      await once(resumed, "data");
      expect(resumed.isSessionReused()).toBe(true);
      expect(users()).toEqual([user]);
      resumed.destroy();
      await expect.poll(() => users()).toEqual([]);
    }
  });

  test.each(["mqtts", "wss"] as const)("its common name is the user of %s", async (scheme) => {
    const tls = options(scheme === "wss" ? "https" : "mqtts", alice);
    const path = scheme === "wss" ? "/mqtt" : "";
    const own = scheme === "wss" ? { wsOptions: tls } : tls;
    const client = await connectAsync(`${scheme}://localhost:${tls.port}${path}`, own);
    expect(users()).toEqual(["alice"]);
    await client.endAsync();
  });
});

describe("off", () => {
  test("a certificate is not asked for, and makes nobody a user", async () => {
    running = await start("off");
    const socket = await secureConnection(options("tls", mallory));
    await once(socket, "data");
    expect(users()).toEqual([null]);
    socket.destroy();
  });
});
