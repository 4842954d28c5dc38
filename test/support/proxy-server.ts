import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** What a test proxy asks for, and how it answers. */
export interface ProxyServerOptions {
  readonly kind: "socks5" | "http";
  /** Without: anyone may use it. */
  readonly credentials?: { readonly user: string; readonly password: string };
  /** Refuses every destination. */
  readonly refuses?: boolean;
}

/** A small proxy of real sockets: SOCKS5 CONNECT (RFC 1928, RFC 1929), or CONNECT of HTTP/1.1. */
export class ProxyServer {
  readonly #options: ProxyServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Where it was asked to connect, `host:port`. */
  readonly destinations: string[] = [];

  private constructor(options: ProxyServerOptions) {
    this.#options = options;
    this.#server = createServer((client) => {
      this.#keep(client);
      const serve = options.kind === "socks5" ? this.#serveSocks(client) : this.#serveHttp(client);
      // What a client sends wrong ends its connection, as a proxy would do.
      serve.catch(() => client.destroy());
    });
  }

  static async start(options: ProxyServerOptions): Promise<ProxyServer> {
    const proxy = new ProxyServer(options);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  /** With the credentials it asks for. */
  get url(): string {
    const { kind, credentials } = this.#options;
    const address = this.#server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const who = credentials === undefined ? "" : `${credentials.user}:${credentials.password}@`;
    return `${kind === "socks5" ? "socks5h" : "http"}://${who}127.0.0.1:${port}`;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
  }

  async #serveSocks(client: Socket): Promise<void> {
    const bytes = new ByteReader(client);
    const [version, count = 0] = await bytes.take(2);
    if (version !== 5) throw new Error("not SOCKS5");
    const methods = await bytes.take(count);
    const { credentials } = this.#options;
    const method = credentials === undefined ? 0 : 2;
    if (!methods.includes(method)) {
      client.end(Buffer.from([5, 0xff]));
      return;
    }
    client.write(Buffer.from([5, method]));
    if (credentials !== undefined && !(await isKnown(bytes, credentials))) {
      client.end(Buffer.from([1, 1]));
      return;
    }
    if (credentials !== undefined) client.write(Buffer.from([1, 0]));
    const [, command, , kind] = await bytes.take(4);
    if (command !== 1) throw new Error("only CONNECT");
    const host = await readHost(bytes, kind ?? 0);
    const port = (await bytes.take(2)).readUInt16BE();
    if (this.#options.refuses === true) {
      // 2: not allowed by the rules of the proxy.
      client.end(Buffer.from([5, 2, 0, 1, 0, 0, 0, 0, 0, 0]));
      return;
    }
    const gateway = await this.#reach(host, port);
    client.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
    join(client, gateway, bytes.release());
  }

  async #serveHttp(client: Socket): Promise<void> {
    const bytes = new ByteReader(client);
    const head = (await bytes.until("\r\n\r\n")).toString("latin1");
    const [, host = "", port = ""] = /^CONNECT (\S+):(\d+) HTTP\/1\.1\r\n/.exec(head) ?? [];
    const { credentials, refuses } = this.#options;
    const expected =
      credentials === undefined
        ? null
        : Buffer.from(`${credentials.user}:${credentials.password}`).toString("base64");
    const given = /^proxy-authorization: Basic (\S+)\r$/im.exec(head)?.[1] ?? null;
    if (host === "" || refuses === true || (expected !== null && given !== expected)) {
      const status = host === "" ? "400 Bad" : refuses === true ? "403 Forbidden" : "407 Who";
      client.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const gateway = await this.#reach(host.replace(/^\[|\]$/g, ""), Number(port));
    client.write("HTTP/1.1 200 OK\r\n\r\n");
    join(client, gateway, bytes.release());
  }

  async #reach(host: string, port: number): Promise<Socket> {
    this.destinations.push(`${host}:${port}`);
    const gateway = connect({ host, port, noDelay: true });
    this.#keep(gateway);
    await once(gateway, "connect");
    return gateway;
  }
}

async function isKnown(
  bytes: ByteReader,
  credentials: { readonly user: string; readonly password: string },
): Promise<boolean> {
  const [, userLength = 0] = await bytes.take(2);
  const user = (await bytes.take(userLength)).toString();
  const [passwordLength = 0] = await bytes.take(1);
  const password = (await bytes.take(passwordLength)).toString();
  return user === credentials.user && password === credentials.password;
}

async function readHost(bytes: ByteReader, kind: number): Promise<string> {
  if (kind === 1) return (await bytes.take(4)).join(".");
  if (kind !== 3) throw new Error("no IPv6 here");
  const [length = 0] = await bytes.take(1);
  return (await bytes.take(length)).toString();
}

function join(client: Socket, gateway: Socket, first: Buffer): void {
  if (first.length > 0) gateway.write(first);
  client.pipe(gateway);
  gateway.pipe(client);
  client.on("close", () => gateway.destroy());
  gateway.on("close", () => client.destroy());
}

/** Reads a handshake of known lengths from a socket. */
class ByteReader {
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", this.#take);
  }

  async take(count: number): Promise<Buffer> {
    while (this.#bytes.length < count) await this.#more();
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }

  async until(end: string): Promise<Buffer> {
    while (!this.#bytes.includes(end)) await this.#more();
    return this.take(this.#bytes.indexOf(end) + end.length);
  }

  /** Gives the socket back, with what was read too much. */
  release(): Buffer {
    this.#socket.off("data", this.#take);
    this.#socket.pause();
    return this.#bytes;
  }

  readonly #take = (chunk: Buffer): void => {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    this.#wake();
  };

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
