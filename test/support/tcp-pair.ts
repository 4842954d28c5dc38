import { once } from "node:events";
import { createServer, connect, type Server, type Socket } from "node:net";

/** A TCP server on a free loopback port that hands out the connections it accepts. */
export class TcpServer {
  readonly #server: Server;
  readonly #accepted: Socket[] = [];
  readonly #wanted: ((socket: Socket) => void)[] = [];

  private constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => {
      // A reset is for the test to see, by the socket's close.
      socket.on("error", () => undefined);
      const wanted = this.#wanted.shift();
      if (wanted === undefined) this.#accepted.push(socket);
      else wanted(socket);
    });
  }

  static async start(): Promise<TcpServer> {
    const server = new TcpServer();
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** The next connection that nobody has taken. */
  accept(): Promise<Socket> {
    const accepted = this.#accepted.shift();
    if (accepted !== undefined) return Promise.resolve(accepted);
    return new Promise((resolve) => this.#wanted.push(resolve));
  }

  async stop(): Promise<void> {
    for (const socket of this.#accepted) socket.destroy();
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
  }
}

/** A connection to a loopback port, no-delay on. */
export async function connectTo(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** The next `count` bytes of a socket that is not read otherwise. */
export function read(socket: Socket, count: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer): void => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes < count) return;
      socket.off("data", take);
      socket.off("close", fail);
      resolve(Buffer.concat(chunks));
    };
    const fail = (): void => reject(new Error(`closed after ${bytes} of ${count} bytes`));
    socket.on("data", take);
    socket.on("close", fail);
    socket.resume();
  });
}

/** Resolves when the socket is closed, with the code of the error that closed it. */
export function closedBy(socket: Socket): Promise<string | null> {
  return new Promise((resolve) => {
    socket.once("close", () => {
      const cause = socket.errored;
      resolve(cause !== null && "code" in cause ? String(cause.code) : null);
    });
  });
}
