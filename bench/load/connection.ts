import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A raw connection with Nagle's algorithm off. */
export async function open(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  socket.on("error", (cause) => {
    throw cause;
  });
  return socket;
}

/** The next chunk; for handshakes, whose answers fit in one. */
export async function nextChunk(socket: Socket): Promise<Buffer> {
  const [chunk]: unknown[] = await once(socket, "data");
  if (!Buffer.isBuffer(chunk)) throw new Error("the connection gave text");
  return chunk;
}
