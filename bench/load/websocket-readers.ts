import { nextChunk, open } from "./connection.ts";
import { TOPIC } from "./mqtt-bytes.ts";

/** Opens `count` connections of the JSON subprotocol, each subscribed; counts frames, parses none. */
export async function openWebSocketReaders(
  port: number,
  count: number,
  onFrames: (reader: number, count: number) => void,
): Promise<void> {
  for (let reader = 0; reader < count; reader += 1) {
    const socket = await open(port);
    socket.write(
      "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    let greeting = "";
    const read = async (end: string): Promise<void> => {
      while (!greeting.includes(end)) greeting += (await nextChunk(socket)).toString("latin1");
    };
    await read('"type":"welcome"');
    socket.write(maskedText(`{"type":"subscribe","id":1,"filter":"${TOPIC}"}`));
    await read('"type":"live"');
    const frames = new FrameCounter();
    socket.on("data", (chunk: Buffer) => {
      const found = frames.count(chunk);
      if (found > 0) onFrames(reader, found);
    });
  }
}

/** A client's text frame (RFC 6455 §5.2), masked with zeros, which leaves the bytes as they are. */
function maskedText(text: string): Buffer {
  const payload = Buffer.from(text);
  if (payload.length > 125) throw new RangeError("the frame needs a longer header");
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

/** Counts whole text frames in a stream by hopping from header to header. */
class FrameCounter {
  /** Bytes of the current frame that are still to come. */
  #skip = 0;
  #header = Buffer.alloc(0);

  count(chunk: Buffer): number {
    let bytes = chunk;
    let at = 0;
    if (this.#header.length > 0) {
      bytes = Buffer.concat([this.#header, chunk]);
      this.#header = Buffer.alloc(0);
    }
    let frames = 0;
    for (;;) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, bytes.length - at);
        this.#skip -= step;
        at += step;
        if (this.#skip > 0) return frames;
      }
      const short = (bytes[at + 1] ?? 0) & 0x7f;
      const headerBytes = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (bytes.length - at < headerBytes) {
        this.#header = Buffer.from(bytes.subarray(at));
        return frames;
      }
      if (short === 127) throw new RangeError("a frame of 64 KiB was not asked for");
      const length = short === 126 ? bytes.readUInt16BE(at + 2) : short;
      // Pings and positions are frames too, and no messages; a message is longer than its payload.
      if (bytes[at] === 0x81 && length > 128) frames += 1;
      this.#skip = length;
      at += headerBytes;
    }
  }
}
