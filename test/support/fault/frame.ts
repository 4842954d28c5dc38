import type { Socket } from "node:net";

/** The fields of a frame, an event or an answer that the harness looks at. */
export interface HeardFrame {
  readonly type?: string;
  readonly id?: number;
  readonly code?: string;
  readonly topic?: string;
  readonly payload?: string;
  readonly cursor?: string;
  readonly offset?: number;
  readonly from?: string;
  readonly earliest?: string;
  readonly reason?: string;
  readonly retained?: boolean;
  readonly acceptedAt?: number;
}

/** Reads one JSON text; `null` for what a killed gateway left half said. */
export function readFrame(text: string): HeardFrame | null {
  try {
    return JSON.parse(text) as HeardFrame;
  } catch {
    // Cut in the middle: not something the gateway said.
    return null;
  }
}

/** Hands out each whole line; a line that is cut off is never one. An error of the socket is not ours. */
export function onLine(socket: Socket, take: (line: string) => void): void {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  });
}
