import { connect } from "node:net";
import { LineSplitter } from "../wire/line.ts";
import type { OpenSocket } from "./socket.ts";

const LOST = 1006;
const PROTOCOL_ERROR = 1002;
const GOODBYE_MS = 3_000;

/** 24 MiB: a payload of 16 MiB as base64 and its facts. */
const MAX_LINE_BYTES = 24 * 1_048_576;

/** Opens raw TCP connections: the same frames, one JSON object a line. */
export function tcpSocket(host: string, port: number): OpenSocket {
  return (events) => {
    const socket = connect({ host, port, noDelay: true });
    const splitter = new LineSplitter(MAX_LINE_BYTES);
    let end = { code: LOST, reason: "" };
    socket.on("connect", () => events.opened());
    socket.on("data", (chunk: Buffer) => {
      try {
        splitter.push(chunk, (line) => events.received(line));
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        end = { code: PROTOCOL_ERROR, reason };
        socket.destroy();
      }
    });
    socket.on("error", (cause) => {
      end = { code: LOST, reason: cause.message };
    });
    socket.on("close", () => events.closed(end.code, end.reason));
    return {
      send(frame) {
        if (!socket.writable) return;
        socket.write(frame);
        socket.write("\n");
      },
      close() {
        socket.end();
        const timer = setTimeout(() => socket.destroy(), GOODBYE_MS);
        socket.once("close", () => clearTimeout(timer));
      },
    };
  };
}
