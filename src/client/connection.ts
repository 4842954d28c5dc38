import { ERROR_FORMS, GatewayError } from "../errors.ts";
import { type CommandRequest, encodeCommand } from "../wire/command-request.ts";
import type { ServerFrame } from "../wire/frame.ts";
import type { ClientForm } from "./client-form.ts";
import type { ConnectionEnd, Credentials } from "./client-options.ts";
import { ConnectError } from "./connect-error.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { ClientSocket, OpenSocket } from "./socket.ts";

const PROTOCOL_ERROR = 1002;
const LOST = 1006;
const UNAUTHENTICATED = ERROR_FORMS.unauthenticated.websocketClose;

/** What a connection needs of its client. */
export interface ConnectionParts {
  readonly credentials: Credentials | undefined;
  readonly timeoutMs: number;
  readonly takeId: () => number;
  readonly onFrame: (frame: ServerFrame) => void;
  /** Called once, and only for a connection that was opened. */
  readonly onEnd: (end: ConnectionEnd) => void;
}

type Phase = "opening" | "authenticating" | "open" | "ended";

/** One connection, from the first byte to its end: welcome, credentials, frames, signs of life. */
export class Connection {
  readonly #form: ClientForm;
  readonly #parts: ConnectionParts;
  readonly #heartbeat: Heartbeat;
  readonly #socket: ClientSocket;
  readonly #deadline: ReturnType<typeof setTimeout>;
  readonly #resolve: (connection: Connection) => void;
  readonly #reject: (cause: ConnectError) => void;
  #phase: Phase = "opening";
  /** Raw TCP has no close codes: the last frame, if a refusal of the connection, stands for one. */
  #refusal: GatewayError | null = null;

  private constructor(
    openSocket: OpenSocket,
    form: ClientForm,
    parts: ConnectionParts,
    resolve: (connection: Connection) => void,
    reject: (cause: ConnectError) => void,
  ) {
    this.#form = form;
    this.#parts = parts;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#heartbeat = new Heartbeat(
      () => this.command({ type: "ping", id: parts.takeId() }),
      () => this.#fail(LOST, "the gateway has been silent for two heartbeats"),
    );
    this.#deadline = setTimeout(
      () => this.#fail(LOST, `no welcome within ${parts.timeoutMs} ms`),
      parts.timeoutMs,
    );
    this.#socket = openSocket({
      opened: () => undefined,
      received: (frame) => this.#receive(frame),
      closed: (code, reason) => this.#end(code, reason),
    });
  }

  /** Resolves when the gateway has welcomed and, with credentials, authenticated the client. */
  static open(
    openSocket: OpenSocket,
    form: ClientForm,
    parts: ConnectionParts,
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      new Connection(openSocket, form, parts, resolve, reject);
    });
  }

  send(frame: string | Uint8Array): void {
    if (this.#phase !== "ended") this.#socket.send(frame);
  }

  command(command: CommandRequest): void {
    this.send(encodeCommand(command));
  }

  /** Ends it without telling the client, who asked for it. */
  close(code: number, reason: string): void {
    this.#release();
    this.#socket.close(code, reason);
  }

  #receive(data: string | Uint8Array): void {
    if (this.#phase === "ended") return;
    this.#heartbeat.hear();
    let frame: ServerFrame;
    try {
      frame = this.#form.read(data);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#fail(PROTOCOL_ERROR, `the gateway sent what this client cannot read: ${reason}`);
      return;
    }
    this.#refusal =
      frame.type === "error" && frame.id === undefined
        ? new GatewayError(frame.code, frame.message)
        : null;
    if (this.#phase === "open") this.#parts.onFrame(frame);
    else this.#greet(frame);
  }

  #greet(frame: ServerFrame): void {
    if (frame.type === "welcome") {
      this.#heartbeat.start(frame.heartbeatSeconds * 1_000);
      const { credentials } = this.#parts;
      if (credentials === undefined) {
        this.#open();
        return;
      }
      this.#phase = "authenticating";
      this.command({ type: "authenticate", id: this.#parts.takeId(), ...credentials });
      return;
    }
    if (frame.type === "authenticated") this.#open();
    else if (frame.type === "error" && frame.id !== undefined) {
      this.#refusal = new GatewayError(frame.code, frame.message);
      this.#fail(UNAUTHENTICATED, frame.message);
    }
  }

  #open(): void {
    this.#phase = "open";
    clearTimeout(this.#deadline);
    this.#resolve(this);
  }

  #fail(code: number, reason: string): void {
    this.#socket.close(code === LOST ? 1000 : code, "");
    this.#end(code, reason);
  }

  #end(code: number, reason: string): void {
    if (this.#phase === "ended") return;
    const wasOpen = this.#phase === "open";
    this.#release();
    const refusal = this.#refusal;
    const told = code === LOST ? refusal?.form.websocketClose : null;
    const end = { code: told ?? code, reason: reason === "" ? (refusal?.message ?? "") : reason };
    if (wasOpen) this.#parts.onEnd(end);
    else this.#reject(new ConnectError(end.code, end.reason, refusal));
  }

  #release(): void {
    this.#phase = "ended";
    this.#heartbeat.stop();
    clearTimeout(this.#deadline);
  }
}
