import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { WriteBatch } from "../../src/transport/write-batch.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { CertificateFolder, secureConnection } from "../support/tls.ts";

const open: { close(): unknown }[] = [];

afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

/** Both ends of one connection: the one that writes, and the peer that may not read. */
interface Pair {
  readonly writer: Socket;
  readonly peer: Socket;
}

async function plainPair(): Promise<Pair> {
  const server = createServer({ noDelay: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [writer]: Socket[] = await once(server, "connection");
  return pairOf(writer, peer, server);
}

async function tlsPair(): Promise<Pair> {
  const folder = await CertificateFolder.create();
  const { cert, key } = await folder.renewServer();
  await folder.remove();
  const server = createTlsServer({ cert, key, noDelay: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, "secureConnection");
  const peer = await secureConnection({ port, servername: "localhost", ca: folder.ca.pem.cert });
  const [writer]: Socket[] = await accepted;
  return pairOf(writer, peer, server);
}

function pairOf(writer: Socket | undefined, peer: Socket, server: { close(): unknown }): Pair {
  if (writer === undefined) throw new Error("nobody connected");
  open.push(server, { close: () => peer.destroy() }, { close: () => writer.destroy() });
  return { writer, peer };
}

/** Everything the peer is sent until it has this much. */
async function read(peer: Socket, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of peer) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= bytes) break;
  }
  return Buffer.concat(chunks);
}

describe.each([
  ["plain", plainPair],
  ["TLS", tlsPair],
])("bytes written to %s connections in turn", (_, openPair) => {
  test("stay what they were until each is sent, however long that takes", async () => {
    const random = new SeededRandom(7);
    const pairs = await Promise.all([openPair(), openPair(), openPair()]);
    const expected: Buffer[][] = pairs.map(() => []);
    const batch = new WriteBatch();
    // 6 MiB a connection, more than the kernel takes of what nobody reads.
    for (let round = 0; round < 2_000; round += 1) {
      for (const [index, { writer }] of pairs.entries()) {
        for (let piece = random.below(8); piece >= 0; piece -= 1) {
          const length = random.below(16) === 0 ? random.below(9_000) : random.below(900);
          const bytes = Buffer.alloc(length, random.below(256));
          batch.add(bytes);
          expected[index]?.push(bytes);
        }
        batch.writeTo(writer, () => undefined);
      }
      // Several writes of one turn wait for one another, and those of many turns for the peer.
      if (round % 4 === 3) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const [index, { peer }] of pairs.entries()) {
      const wanted = Buffer.concat(expected[index] ?? []);
      expect((await read(peer, wanted.length)).equals(wanted)).toBe(true);
    }
  });
});
