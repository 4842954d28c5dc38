import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { WebSocket } from "ws";
import { headerBytes, OPCODE_BINARY, putHeader } from "../../wire/websocket-framing.ts";
import { pongFrame } from "./websocket-connection.ts";
import type { ReceivingSocket } from "./websocket-socket.ts";

/** RFC 6455 §7.4.1: data of a type this endpoint does not take; MQTT comes in binary frames [MQTT-6.0.0-1]. */
const UNSUPPORTED_DATA = 1003;

const NORMAL_CLOSURE = 1000;

/** Pongs are left out while this much waits: a peer that pings and does not read costs no memory. */
const MAX_UNSENT_BEFORE_PONG = 65_536;

/**
 * MQTT's byte stream over one WebSocket. Each write leaves as exactly one binary message, and writes
 * that had to wait leave joined in one; a packet may span messages, or a message hold several
 * [MQTT-6.0.0-2]. Back-pressure holds both ways.
 */
export class WebSocketMqttStream extends Duplex {
  readonly #websocket: ReceivingSocket;
  readonly #socket: Socket;

  constructor(websocket: ReceivingSocket, socket: Socket) {
    super({ allowHalfOpen: false });
    this.#websocket = websocket;
    this.#socket = socket;
    websocket.on("message", (data, isBinary) => this.#received(data, isBinary));
    websocket.on("ping", (data) => this.#pong(data));
    // The framing error has closed the connection already; its end is told by `close`.
    websocket.on("error", () => undefined);
    websocket.on("close", () => {
      this.push(null);
      this.destroy();
    });
  }

  override _read(): void {
    this.#websocket.resume();
  }

  override _write(
    chunk: Uint8Array,
    _encoding: string,
    done: (error?: Error | null) => void,
  ): void {
    this.#send([chunk], chunk.length, done);
  }

  override _writev(
    chunks: readonly { chunk: Uint8Array }[],
    done: (error?: Error | null) => void,
  ): void {
    const parts = chunks.map(({ chunk }) => chunk);
    this.#send(
      parts,
      parts.reduce((bytes, part) => bytes + part.length, 0),
      done,
    );
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#websocket.readyState === WebSocket.OPEN) this.#websocket.close(NORMAL_CLOSURE);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // After an orderly end the closing handshake is under way, and ws bounds its time.
    if (!this.writableFinished || error !== null) this.#websocket.terminate();
    done(error);
  }

  #received(data: WebSocket.RawData, isBinary: boolean): void {
    if (this.destroyed) return;
    if (!isBinary) {
      this.#websocket.close(UNSUPPORTED_DATA, "MQTT takes binary frames only [MQTT-6.0.0-1]");
      return;
    }
    if (data instanceof Uint8Array && data.length > 0 && !this.push(data)) this.#websocket.pause();
  }

  #pong(data: Uint8Array): void {
    if (this.#websocket.readyState !== WebSocket.OPEN) return;
    if (this.#socket.writableLength > MAX_UNSENT_BEFORE_PONG) return;
    this.#socket.write(pongFrame(data));
  }

  /** The parts as one message: its header, then the bytes as they are, in one system call. */
  #send(parts: readonly Uint8Array[], bytes: number, done: (error?: Error | null) => void): void {
    if (bytes === 0 || this.#websocket.readyState !== WebSocket.OPEN) {
      done();
      return;
    }
    const socket = this.#socket;
    let isDone = false;
    const tell = (error?: Error | null): void => {
      if (isDone) return;
      isDone = true;
      done(error);
    };
    socket.cork();
    socket.write(binaryHeader(bytes));
    for (const [index, part] of parts.entries()) {
      if (index === parts.length - 1) socket.write(part, tell);
      else socket.write(part);
    }
    socket.uncork();
    // Told at once when the kernel has it all, so that who writes here can tell as well, and may use
    // its buffer again.
    if (socket.writableLength === 0) tell();
  }
}

/** The header of an unmasked binary message with a body of this length. */
function binaryHeader(bodyBytes: number): Uint8Array {
  const header = new Uint8Array(headerBytes(bodyBytes));
  putHeader(header, 0, bodyBytes, OPCODE_BINARY, false);
  return header;
}
