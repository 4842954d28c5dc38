import { createServer, type Socket } from "node:net";

const CONNECT = 0x10;
const SUBSCRIBE = 0x82;

/**
 * The floor: a TCP relay that answers the handshake of MQTT and from then on passes every chunk it reads
 * to every subscriber, understanding nothing. No broker in Node can do less for a message.
 */
const subscribers = new Set<Socket>();

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("data", (chunk: Buffer) => {
    if (chunk[0] === CONNECT) {
      socket.write(Uint8Array.of(0x20, 2, 0, 0));
    } else if (chunk[0] === SUBSCRIBE) {
      subscribers.add(socket);
      socket.write(Uint8Array.of(0x90, 3, chunk[2] ?? 0, chunk[3] ?? 0, 0));
    } else {
      for (const subscriber of subscribers) subscriber.write(chunk);
    }
  });
  socket.on("error", () => socket.destroy());
  socket.on("close", () => subscribers.delete(socket));
});

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address !== "string") process.stdout.write(`${address.port}\n`);
});
