import type { Socket } from "node:net";
import type { GatewayError } from "../../errors.ts";
import { errorFrame } from "../../wire/frame.ts";
import type { CommandConnection } from "../command-session-parts.ts";
import type { LineForm } from "./tcp-form.ts";

/** The connection of a command session that speaks lines. */
export class TcpConnection implements CommandConnection {
  readonly #socket: Socket;
  readonly #form: LineForm;

  constructor(socket: Socket, form: LineForm) {
    this.#socket = socket;
    this.#form = form;
  }

  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  pauseReading(): void {
    this.#socket.pause();
  }

  resumeReading(): void {
    this.#socket.resume();
  }

  end(reason: GatewayError | null): void {
    const socket = this.#socket;
    if (reason === null) socket.end();
    else socket.end(this.#form.frame(errorFrame(reason, null)));
    // What still comes is read and ignored: closing a socket with unread bytes resets it, and the
    // peer would lose what it has not read yet.
    socket.resume();
  }

  ping(): void {
    // A client of lines need not answer anything. The `position` line is the heartbeat.
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
