/** What the client asks of a connection. Text is a frame; bytes are a frame of the binary form. */
export interface ClientSocket {
  send(frame: string | Uint8Array): void;
  /** Says goodbye and lets go; the connection is gone within seconds whatever the peer does. */
  close(code: number, reason: string): void;
}

/** What a connection reports. Nothing is reported after `closed`. */
export interface SocketEvents {
  opened(): void;
  received(frame: string | Uint8Array): void;
  /** By a close code of RFC 6455 §7.4; 1006 when the connection was lost without one. */
  closed(code: number, reason: string): void;
}

/** Begins to connect. Must not call back before it has returned. */
export type OpenSocket = (events: SocketEvents) => ClientSocket;
