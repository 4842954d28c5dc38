import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Server, WebSocketServer } from "ws";
import { ANONYMOUS, type Identity } from "../../bus/ports.ts";
import { GatewayError, toGatewayError } from "../../errors.ts";
import type { Credentials } from "../../security/authenticator.ts";
import { parseAuthorization } from "../../security/authorization-header.ts";
import { certificateCredentials } from "../../security/tls-peer.ts";
import { CommandSession } from "../command-session.ts";
import { CommandDelivery } from "../command-session-delivery.ts";
import { CommandSessionGroup } from "../command-session-group.ts";
import { type CommandSessionOptions, maxCommandBytes } from "../command-session-parts.ts";
import type { Session } from "../session-registry.ts";
import type { ListenAddress, Transport, TransportContext } from "../transport.ts";
import { wireSocketOf } from "../wire-socket.ts";
import { pongFrame, WebSocketConnection } from "./websocket-connection.ts";
import { type DeflateOptions, SHARED_WINDOW_BITS } from "./websocket-deflate.ts";
import { holdsItsHeader, WebSocketForm } from "./websocket-form.ts";
import {
  COMMAND_SUBPROTOCOLS,
  type CommandSubprotocol,
  type Handshake,
  type HandshakeOptions,
  MQTT_SUBPROTOCOLS,
  readHandshake,
} from "./websocket-handshake.ts";
import { WebSocketMqttStream } from "./websocket-mqtt-stream.ts";
import { refuseHandshake } from "./websocket-refusal.ts";
import { ReceivingSocket } from "./websocket-socket.ts";

/** Takes MQTT's byte stream over; the MQTT transport's. */
export type AcceptMqtt = (
  stream: Duplex,
  peer: { readonly address: string; readonly certificate: Credentials },
) => void;

/** Settings of the transport; the names of the config where it has them. */
export interface WebSocketOptions extends CommandSessionOptions, HandshakeOptions {
  readonly maxFragments: number;
  readonly compression: DeflateOptions & { readonly enabled: boolean };
  /** `null` when there is no MQTT to hand streams to. */
  readonly acceptMqtt: AcceptMqtt | null;
}

/** An MQTT message may hold several packets and topics of 64 KiB beside the largest payload. */
const MQTT_EXTRA_BYTES = 262_144;

/** Time in which a closing handshake must be over, after which the socket is destroyed. */
const CLOSE_TIMEOUT_MS = 5_000;

/** A peer that vanished without a word is noticed by the kernel, whatever the protocol above. */
const KEEP_ALIVE_AFTER_MS = 60_000;

interface Channel {
  readonly form: WebSocketForm;
  readonly delivery: CommandDelivery;
}

/**
 * WebSocket on the HTTP listener's upgrades: the gateway's commands, and MQTT's byte stream. `ws`
 * does the handshake and receives; what is sent are bytes of ours on the same socket.
 */
export class WebSocketTransport implements Transport {
  readonly #context: TransportContext;
  readonly #options: WebSocketOptions;
  readonly #server: Server<typeof ReceivingSocket>;
  readonly #mqttServer: Server<typeof ReceivingSocket>;
  readonly #group: CommandSessionGroup;
  readonly #channels = new Map<string, Channel>();
  /** Every socket handed to us and not closed yet, handshakes and MQTT included. */
  readonly #sockets = new Set<Socket>();
  readonly #onEmpty: (() => void)[] = [];
  #isAccepting = false;

  constructor(context: TransportContext, options: WebSocketOptions) {
    this.#context = context;
    const mqttPath = options.acceptMqtt === null ? null : options.mqttPath;
    this.#options = { ...options, mqttPath };
    const maxBytes = maxCommandBytes(context.limits.maxPayloadBytes);
    this.#server = createServer(options, maxBytes, false);
    this.#mqttServer = createServer(options, maxBytes + MQTT_EXTRA_BYTES, true);
    this.#group = new CommandSessionGroup("websocket", context, options);
  }

  async start(): Promise<readonly ListenAddress[]> {
    this.#isAccepting = true;
    return [];
  }

  /** Takes an upgrade request of the HTTP listener; answers it whatever it is. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Until ws listens, an error of the connection has no other place to go; `close` follows it.
    socket.on("error", () => undefined);
    if (!(socket instanceof Socket)) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#forget(socket));
    void this.#answer(request, socket, head);
  }

  async drain(timeoutMs: number): Promise<void> {
    this.#isAccepting = false;
    await this.#group.drain(timeoutMs);
  }

  async stop(): Promise<void> {
    this.#isAccepting = false;
    this.#group.release();
    for (const socket of this.#sockets) socket.destroy();
    if (this.#sockets.size > 0) await new Promise<void>((done) => this.#onEmpty.push(done));
  }

  async #answer(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    try {
      this.#checkAccepting();
      const handshake = readHandshake(request, this.#options);
      if (handshake.speaks === "mqtt") {
        this.#acceptMqtt(request, socket, head);
        return;
      }
      const identity = await this.#identify(request, socket);
      // Both may have changed while the credentials were checked.
      this.#checkAccepting();
      if (socket.destroyed) return;
      this.#accept(request, socket, head, handshake, identity);
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (error.code === "internal") {
        this.#context.logger.error("handshake failed", { transport: "websocket", error: thrown });
      }
      refuseHandshake(socket, error);
    }
  }

  #checkAccepting(): void {
    if (!this.#isAccepting) throw new GatewayError("draining", "the gateway is about to stop");
  }

  /**
   * `null` when the client has to authenticate by command: browsers cannot set a header, so nobody
   * is turned away at the handshake for bringing none.
   */
  async #identify(request: IncomingMessage, socket: Socket): Promise<Identity | null> {
    const { authorization } = request.headers;
    const credentials =
      authorization === undefined
        ? certificateCredentials(socket)
        : parseAuthorization(authorization);
    try {
      return await this.#context.authenticator.authenticate(credentials, addressOf(socket));
    } catch (thrown) {
      const isRefused = toGatewayError(thrown).code === "unauthenticated";
      if (isRefused && authorization === undefined) return null;
      throw thrown;
    }
  }

  #accept(
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    handshake: Handshake & { readonly speaks: "commands" },
    identity: Identity | null,
  ): void {
    const { sessions, clock } = this.#context;
    const session = sessions.open(
      "websocket",
      addressOf(socket),
      clock.now(),
      identity ?? ANONYMOUS,
    );
    socket.once("close", () => sessions.close(session));
    this.#server.handleUpgrade(request, socket, head, (websocket) => {
      this.#open(websocket, socket, session, handshake.subprotocol, identity !== null);
    });
  }

  #open(
    websocket: ReceivingSocket,
    socket: Socket,
    session: Session,
    subprotocol: CommandSubprotocol,
    isAuthenticated: boolean,
  ): void {
    this.#context.observer.carries(wireSocketOf(socket), "websocket");
    const connection = new WebSocketConnection(websocket, socket);
    const channel = this.#channelOf(subprotocol, websocket.extensions !== "");
    const commands = new CommandSession({
      context: this.#context,
      options: this.#options,
      ...channel,
      session,
      connection,
      stream: socket,
      isAuthenticated,
      answersPings: true,
    });
    this.#group.add(commands);
    websocket.onClosing = () => commands.release();
    websocket.on("message", (data, isBinary) => {
      if (!Buffer.isBuffer(data)) return;
      if (!isBinary) commands.receive(data.toString());
      else receiveBinary(data, commands, subprotocol);
    });
    websocket.on("ping", (data) => commands.control(pongFrame(data)));
    // A framing error: ws has closed with its code already, and `close` follows.
    websocket.on("error", () => undefined);
    websocket.on("close", () => this.#group.remove(commands));
    commands.welcome();
  }

  #acceptMqtt(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.#mqttServer.handleUpgrade(request, socket, head, (websocket) => {
      this.#context.observer.carries(wireSocketOf(socket), "mqtt-ws");
      socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
      const peer = { address: addressOf(socket), certificate: certificateCredentials(socket) };
      this.#options.acceptMqtt?.(new WebSocketMqttStream(websocket, socket), peer);
    });
  }

  #channelOf(subprotocol: CommandSubprotocol, isCompressed: boolean): Channel {
    const key = `${subprotocol} ${isCompressed}`;
    const known = this.#channels.get(key);
    if (known !== undefined) return known;
    const { bus, limits, observer } = this.#context;
    const deflate = isCompressed ? this.#options.compression : null;
    const form = new WebSocketForm(subprotocol, limits, deflate);
    const created = { form, delivery: new CommandDelivery(form, bus, observer) };
    this.#channels.set(key, created);
    return created;
  }

  #forget(socket: Socket): void {
    this.#sockets.delete(socket);
    this.#context.observer.closed(wireSocketOf(socket));
    if (this.#sockets.size > 0) return;
    for (const done of this.#onEmpty.splice(0)) done();
  }
}

function createServer(
  options: WebSocketOptions,
  maxPayload: number,
  isMqtt: boolean,
): Server<typeof ReceivingSocket> {
  const settings = {
    noServer: true,
    clientTracking: false,
    WebSocket: ReceivingSocket,
    maxPayload,
    maxFragments: options.maxFragments,
    closeTimeout: CLOSE_TIMEOUT_MS,
    // Pongs go through the outbox, whose bound then holds for them too.
    autoPong: false,
    handleProtocols: (offered: Set<string>) => firstServed(offered, isMqtt),
    perMessageDeflate: options.compression.enabled && {
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: SHARED_WINDOW_BITS,
      threshold: options.compression.thresholdBytes,
    },
  };
  return new WebSocketServer(settings);
}

function receiveBinary(
  frame: Uint8Array,
  commands: CommandSession,
  subprotocol: CommandSubprotocol,
): void {
  if (subprotocol === "tributary.v1.json") {
    const text = "this subprotocol takes text frames only; see tributary.v1.binary";
    commands.end(new GatewayError("unsupported_media_type", text));
  } else if (holdsItsHeader(frame)) {
    commands.receive(frame);
  } else {
    commands.end(new GatewayError("bad_request", "a binary frame does not hold its header"));
  }
}

/** `false` chooses none, and the client that offered some then fails the connection. */
function firstServed(offered: Set<string>, isMqtt: boolean): string | false {
  const served: readonly string[] = isMqtt ? MQTT_SUBPROTOCOLS : COMMAND_SUBPROTOCOLS;
  for (const name of offered) if (served.includes(name)) return name;
  return false;
}

function addressOf(socket: Socket): string {
  return socket.remoteAddress ?? "";
}
