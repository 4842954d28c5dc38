import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import {
  type CertificateHolder,
  DevelopmentCa,
  type PemPair,
} from "../../src/cli/development-ca.ts";
import { parseConfig } from "../../src/config/load.ts";
import { createGateway, type Gateway } from "../../src/gateway.ts";
import type { Logger } from "../../src/telemetry/logger.ts";

const DAY_MS = 86_400_000;

/** The names every server certificate of the tests is for. */
const SERVER: CertificateHolder = { is: "server", hosts: ["localhost", "127.0.0.1"] };

/** A folder of certificates, and the CA that signs them. */
export class CertificateFolder {
  readonly path: string;
  readonly ca: DevelopmentCa;

  private constructor(path: string, ca: DevelopmentCa) {
    this.path = path;
    this.ca = ca;
  }

  /** With a server's certificate in it. */
  static async create(): Promise<CertificateFolder> {
    const path = await mkdtemp(join(tmpdir(), "tributary-tls-"));
    const folder = new CertificateFolder(path, await DevelopmentCa.create(new Date()));
    await folder.put("ca.pem", folder.ca.pem.cert);
    await folder.renewServer();
    return folder;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Puts a file in the place of another as careful programs do: whole, by rename. */
  async put(name: string, text: string): Promise<string> {
    await writeFile(this.file(`.new-${name}`), text);
    await rename(this.file(`.new-${name}`), this.file(name));
    return this.file(name);
  }

  async putPair(stem: string, { cert, key }: PemPair): Promise<void> {
    await this.put(`${stem}-key.pem`, key);
    await this.put(`${stem}.pem`, cert);
  }

  /** A new server certificate, `ageDays` old, that ends after `days` from its beginning. */
  async renewServer(days = 100, ageDays = 0): Promise<PemPair> {
    const pair = await this.ca.issue(SERVER, new Date(Date.now() - ageDays * DAY_MS), days);
    await this.putPair("server", pair);
    return pair;
  }

  /** What a client called `name` connects with. */
  async client(name: string): Promise<PemPair> {
    const pair = await this.ca.issue({ is: "client", name }, new Date(), 100);
    await this.putPair(name, pair);
    return pair;
  }

  /** Settings of a TLS listener on a free port. */
  listener(more: Readonly<Record<string, unknown>> = {}) {
    return {
      enabled: true,
      port: 0,
      certFile: this.file("server.pem"),
      keyFile: this.file("server-key.pem"),
      ...more,
    };
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** One log line, as far as these tests look. */
export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Keeps what is logged, and waits for it. */
export class KeptLog implements Logger {
  readonly lines: LogLine[] = [];
  readonly #waiting: { isIt: (line: LogLine) => boolean; done: (line: LogLine) => void }[] = [];
  readonly debug = this.#keep("debug");
  readonly info = this.#keep("info");
  readonly warn = this.#keep("warn");
  readonly error = this.#keep("error");

  child(): Logger {
    return this;
  }

  /** The next line with this message, from now on. */
  next(message: string): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no line says "${message}"`)), 5_000);
      const done = (line: LogLine): void => {
        clearTimeout(timer);
        resolve(line);
      };
      this.#waiting.push({ isIt: (line) => line.message === message, done });
    });
  }

  #keep(level: LogLine["level"]) {
    return (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      const line = { level, message, fields };
      this.lines.push(line);
      const index = this.#waiting.findIndex(({ isIt }) => isIt(line));
      if (index >= 0) this.#waiting.splice(index, 1)[0]?.done(line);
    };
  }
}

/** A gateway with TLS listeners, in this process. */
export interface TlsGateway {
  readonly gateway: Gateway;
  readonly log: KeptLog;
  /** The port of the listener whose address has this scheme; 0 when there is none. */
  port(scheme: string): number;
  /** Stops twice and fails when anything is left. */
  stop(): Promise<void>;
}

/** Starts the real gateway on free ports; `settings` as a config file would nest them. */
export async function startTlsGateway(
  settings: Readonly<Record<"http" | "mqtt" | "tcp", object>> & Readonly<Record<string, unknown>>,
): Promise<TlsGateway> {
  const ports = Object.fromEntries(
    (["http", "mqtt", "tcp"] as const).map((name) => [name, { port: 0, ...settings[name] }]),
  );
  const log = new KeptLog();
  const gateway = createGateway(
    parseConfig({ ...settings, ...ports, store: { kind: "memory" } }),
    log,
  );
  const addresses = await gateway.start();
  return {
    gateway,
    log,
    port: (scheme) => addresses.find(({ url }) => url.startsWith(`${scheme}:`))?.port ?? 0,
    async stop() {
      await gateway.stop();
      await gateway.stop();
      if (gateway.sessions.count > 0)
        throw new Error(`${gateway.sessions.count} sessions are left`);
    },
  };
}

/** A TLS connection whose handshake is over; rejects when there is none. */
export function secureConnection(options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", ...options }, () => resolve(socket));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed in the handshake")));
  });
}
