import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { ERROR_FORMS, type GatewayError } from "../../errors.ts";
import type { CommandConnection } from "../command-session-parts.ts";
import type { ReceivingSocket } from "./websocket-socket.ts";

/** RFC 6455 §7.4.1: the purpose is fulfilled. */
const NORMAL_CLOSURE = 1000;

/** For a refusal that has no close code of its own. */
const BAD_REQUEST_CLOSE = ERROR_FORMS.bad_request.websocketClose;

/** A ping without data: 0x89 FIN + opcode 9, length 0 (RFC 6455 §5.5.2). */
const PING = Uint8Array.of(0x89, 0);

/** A pong that repeats the data of its ping (RFC 6455 §5.5.3), at most 125 bytes. */
export function pongFrame(data: Uint8Array): Uint8Array {
  const frame = new Uint8Array(2 + data.length);
  frame[0] = 0x8a;
  frame[1] = data.length;
  frame.set(data, 2);
  return frame;
}

/** The connection of a command session that speaks WebSocket. */
export class WebSocketConnection implements CommandConnection {
  readonly #websocket: ReceivingSocket;
  readonly #socket: Socket;

  constructor(websocket: ReceivingSocket, socket: Socket) {
    this.#websocket = websocket;
    this.#socket = socket;
  }

  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  pauseReading(): void {
    this.#websocket.pause();
  }

  resumeReading(): void {
    this.#websocket.resume();
  }

  end(reason: GatewayError | null): void {
    // The peer's answer to our close frame must be read.
    this.#websocket.resume();
    if (reason === null) {
      this.#websocket.close(NORMAL_CLOSURE);
      return;
    }
    this.#websocket.close(reason.form.websocketClose ?? BAD_REQUEST_CLOSE, reason.message);
  }

  ping(): void {
    // Not while the peer reads nothing: pings would pile up behind what it has not taken.
    if (this.#websocket.readyState !== WebSocket.OPEN || this.#socket.writableNeedDrain) return;
    this.#socket.write(PING);
  }

  destroy(): void {
    this.#websocket.terminate();
  }
}
