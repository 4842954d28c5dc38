import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/**
 * A connection that is still being opened, as a stream that can be written to at once: what a client
 * of MQTT or raw TCP wants, where a tunnel takes a while. Emits `connect` when it is open.
 */
export class TunnelStream extends Duplex {
  readonly #open: () => Promise<Socket>;
  #socket: Socket | null = null;

  constructor(open: () => Promise<Socket>) {
    super();
    this.#open = open;
  }

  override _construct(callback: (error?: Error | null) => void): void {
    this.#open().then(
      (socket) => {
        if (this.destroyed) socket.destroy();
        else this.#join(socket);
        callback();
        this.emit("connect");
      },
      (cause: Error) => callback(cause),
    );
  }

  override _read(): void {
    this.#socket?.resume();
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void) {
    this.#socket?.write(chunk, callback);
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: string }[],
    callback: (error?: Error | null) => void,
  ): void {
    this.#socket?.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#socket?.end(callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#socket?.destroy();
    callback(error);
  }

  #join(socket: Socket): void {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (cause) => this.destroy(cause));
    socket.on("close", () => this.destroy());
  }
}
