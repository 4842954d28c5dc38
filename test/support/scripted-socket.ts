import type { OpenSocket, SocketEvents } from "../../src/client/socket.ts";
import { checkFrame } from "./documents/frame-check.ts";

/** One connection a client opened, played by the test. */
export class ScriptedConnection {
  readonly sent: Record<string, unknown>[] = [];
  readonly #events: SocketEvents;
  closedWith: number | null = null;

  constructor(events: SocketEvents) {
    this.#events = events;
  }

  welcome(): void {
    this.#events.opened();
    this.say({
      type: "welcome",
      subprotocol: "tributary.v1.json",
      sessionId: "s",
      epoch: "epoch000",
      heartbeatSeconds: 10,
      maxPayloadBytes: 1_000,
    });
  }

  /** Throws for a frame that no gateway would send. */
  say(frame: Readonly<Record<string, unknown>>): void {
    checkFrame(frame);
    this.babble(JSON.stringify(frame));
  }

  /** Says anything at all. */
  babble(text: string): void {
    this.#events.received(text);
  }

  /** A message frame; live without a subscription. */
  message(topic: string, offset: number, subscription?: unknown): void {
    this.say({
      type: "message",
      ...(subscription === undefined ? {} : { subscription }),
      topic,
      payload: String(offset),
      encoding: "utf8",
      qos: 0,
      cursor: cursorAt(offset),
      ingress: "mqtt",
      acceptedAt: 1,
    });
  }

  cut(code = 1006): void {
    this.#events.closed(code, "");
  }

  /** The commands of one type sent so far. */
  commands(type: string): Record<string, unknown>[] {
    return this.sent.filter((command) => command.type === type);
  }

  /** Answers the latest subscribe so that it is live at `offset`. */
  grant(offset: number, command = this.commands("subscribe").at(-1)): void {
    const { id, filter } = command ?? {};
    const cursor = cursorAt(offset);
    this.say({
      type: "subscribed",
      id,
      filter,
      cursor,
      delivery: "at-most-once",
      recovered: false,
    });
    this.say({ type: "live", id, cursor });
  }
}

/** Plays the gateway's side of every connection a client opens. */
export class ScriptedGateway {
  readonly connections: ScriptedConnection[] = [];
  /** Called for each connection in the turn after it was opened. */
  onConnect: (connection: ScriptedConnection) => void = (connection) => connection.welcome();

  readonly open: OpenSocket = (events) => {
    const connection = new ScriptedConnection(events);
    this.connections.push(connection);
    queueMicrotask(() => this.onConnect(connection));
    return {
      send: (frame) => {
        if (typeof frame === "string") connection.sent.push(JSON.parse(frame));
      },
      close: (code) => {
        connection.closedWith = code;
      },
    };
  };

  get latest(): ScriptedConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error("the client has opened no connection");
    return connection;
  }
}

/** The cursor of an offset in the scripted epoch. */
export function cursorAt(offset: number): string {
  return `epoch000-${offset.toString(36)}`;
}
