import { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";

/**
 * A WebSocket as the byte stream an MQTT client wants. All bytes written in one turn leave as one
 * WebSocket message: with one message per write a single packet would cost up to five frames, which
 * would be charged to MQTT over WebSocket and is the doing of the adapter.
 */
export class SocketStream extends Duplex {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    super();
    this.#socket = socket;
    this.#socket.on("message", (data: RawData) => {
      if (Buffer.isBuffer(data) && !this.push(data)) this.#socket.pause();
    });
    this.#socket.on("close", () => {
      this.push(null);
      this.destroy();
    });
    this.#socket.on("error", (cause) => this.destroy(cause));
  }

  override _construct(callback: (error?: Error | null) => void): void {
    this.#socket.once("open", () => callback());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void) {
    this.#socket.send(chunk, { binary: true }, callback);
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: string }[],
    callback: (error?: Error | null) => void,
  ): void {
    const joined = Buffer.concat(chunks.map(({ chunk }) => chunk));
    this.#socket.send(joined, { binary: true }, callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#socket.close(1000);
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#socket.terminate();
    callback(error);
  }
}
