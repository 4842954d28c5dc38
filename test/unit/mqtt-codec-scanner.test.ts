import { describe, expect, test } from "vitest";
import { PacketScanner } from "../../src/transport/mqtt/native/codec/packet-scanner.ts";
import { reasonOf } from "../support/mqtt-codec.ts";

/** Notes each packet: its bytes, and where in it the variable header begins. */
class Notes {
  readonly packets: string[] = [];
  readonly #wanted: number;

  constructor(wanted = Number.POSITIVE_INFINITY) {
    this.#wanted = wanted;
  }

  packet(bytes: Buffer, start: number, body: number, end: number): boolean {
    this.packets.push(`${bytes.toString("hex", start, body)} ${bytes.toString("hex", body, end)}`);
    return this.packets.length < this.#wanted;
  }
}

const PING = [0xc0, 0];
const SHORT = [0x40, 2, 0, 1];
const LONG = [0x30, 0xac, 2, ...new Array<number>(300).fill(7)];

describe("packets", () => {
  test("are cut out of a chunk where they lie", () => {
    const notes = new Notes();
    const scanner = new PacketScanner(1_000);
    scanner.push(Buffer.from([...PING, ...SHORT, ...PING]), notes);
    expect(notes.packets).toEqual(["c000 ", "4002 0001", "c000 "]);
    expect(scanner.pendingBytes).toBe(0);
  });

  test("are the same wherever the stream is cut in two", () => {
    const stream = Buffer.from([...SHORT, ...LONG, ...PING, ...SHORT]);
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const notes = new Notes();
      const scanner = new PacketScanner(1_000);
      scanner.push(stream.subarray(0, cut), notes);
      scanner.push(stream.subarray(cut), notes);
      expect(notes.packets).toHaveLength(4);
      expect(notes.packets[1]).toBe(`30ac02 ${"07".repeat(300)}`);
      expect(scanner.pendingBytes).toBe(0);
    }
  });

  test("are the same when they come byte by byte", () => {
    const notes = new Notes();
    const scanner = new PacketScanner(1_000);
    for (const byte of [...LONG, ...PING]) scanner.push(Buffer.of(byte), notes);
    expect(notes.packets).toEqual([`30ac02 ${"07".repeat(300)}`, "c000 "]);
  });

  test("may have a length in more bytes than it needs", () => {
    const notes = new Notes();
    new PacketScanner(100).push(Buffer.from([0x40, 0x82, 0x80, 0, 0, 1, ...PING]), notes);
    expect(notes.packets).toEqual(["40828000 0001", "c000 "]);
  });

  test("wait where one was the last that was taken for now", () => {
    const chunk = Buffer.from([...SHORT, ...PING, ...SHORT]);
    const scanner = new PacketScanner(100);
    const first = new Notes(1);
    expect(scanner.push(chunk, first)).toBe(SHORT.length);
    expect(first.packets).toEqual(["4002 0001"]);
    const rest = new Notes();
    expect(scanner.push(chunk, rest, SHORT.length)).toBe(chunk.length);
    expect(rest.packets).toEqual(["c000 ", "4002 0001"]);
  });

  test("wait behind one that two chunks share", () => {
    const scanner = new PacketScanner(100);
    const first = new Notes(1);
    scanner.push(Buffer.from(SHORT.slice(0, 2)), first);
    const chunk = Buffer.from([...SHORT.slice(2), ...PING]);
    expect(scanner.push(chunk, first)).toBe(2);
    expect(first.packets).toEqual(["4002 0001"]);
    const rest = new Notes();
    expect(scanner.push(chunk, rest, 2)).toBe(chunk.length);
    expect(rest.packets).toEqual(["c000 "]);
  });
});

describe("the limit", () => {
  test("[MQTT-3.1.2-24] is judged by the header, before the packet has come", () => {
    const scanner = new PacketScanner(302);
    const push = () => scanner.push(Buffer.from(LONG.slice(0, 3)), new Notes());
    expect(reasonOf(push)).toBe("packetTooLarge");
    const wider = new PacketScanner(303);
    const notes = new Notes();
    wider.push(Buffer.from(LONG), notes);
    expect(notes.packets).toHaveLength(1);
  });

  test("is judged where the header itself is cut", () => {
    const scanner = new PacketScanner(302);
    scanner.push(Buffer.from(LONG.slice(0, 2)), new Notes());
    expect(reasonOf(() => scanner.push(Buffer.from(LONG.slice(2, 3)), new Notes()))).toBe(
      "packetTooLarge",
    );
    const notes = new Notes();
    scanner.push(Buffer.from(PING), notes);
    expect(notes.packets).toEqual([]);
  });

  test("does not make room for what is only announced", () => {
    const scanner = new PacketScanner(268_435_460);
    scanner.push(Buffer.of(0x30, 0xff, 0xff, 0xff, 0x7f, 1), new Notes());
    expect(scanner.pendingBytes).toBe(6);
  });

  test("may be changed between packets", () => {
    const scanner = new PacketScanner(4);
    const notes = new Notes();
    scanner.push(Buffer.from(SHORT), notes);
    scanner.maxPacketBytes = 400;
    scanner.push(Buffer.from(LONG), notes);
    expect(notes.packets).toHaveLength(2);
  });
});

test("a length of more than four bytes is malformed", () => {
  const bytes = Buffer.of(0x30, 0x80, 0x80, 0x80, 0x80, 0);
  expect(reasonOf(() => new PacketScanner(100).push(bytes, new Notes()))).toBe("malformedPacket");
  const scanner = new PacketScanner(100);
  scanner.push(bytes.subarray(0, 4), new Notes());
  expect(reasonOf(() => scanner.push(bytes.subarray(4), new Notes()))).toBe("malformedPacket");
});
