import { describe, expect, test } from "vitest";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import { LineSplitter } from "../../src/wire/line.ts";
import {
  beginFrame,
  endFrame,
  OPCODE_BINARY,
  OPCODE_TEXT,
  putHeader,
  writeFrame,
} from "../../src/wire/websocket-framing.ts";

describe("WebSocket frames [RFC 6455 §5.2]", () => {
  test.each([
    [0, [0x82, 0]],
    [1, [0x82, 1]],
    [125, [0x82, 125]],
    [126, [0x82, 126, 0, 126]],
    [65_535, [0x82, 126, 0xff, 0xff]],
    [65_536, [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
  ])("of %i bytes have the shortest length, unmasked, final", (length, header) => {
    const body = new Uint8Array(length).fill(7);
    const out = new ByteWriter();
    out.ascii("before");
    const bodyStart = beginFrame(out);
    out.bytes(body);
    const start = endFrame(out, bodyStart, OPCODE_BINARY);
    expect([...out.buffer.subarray(start, bodyStart)]).toEqual(header);
    expect(Buffer.from(body).equals(out.view(bodyStart))).toBe(true);
    expect(new TextDecoder().decode(out.buffer.subarray(0, 6))).toBe("before");

    const appended = new ByteWriter();
    appended.ascii("before");
    writeFrame(appended, body, OPCODE_BINARY);
    expect(Buffer.from(appended.view(6)).equals(out.view(start))).toBe(true);
  });

  test.each([
    [16_909_060, [0x82, 127, 0, 0, 0, 0, 1, 2, 3, 4]],
    [2 ** 32 + 5, [0x82, 127, 0, 0, 0, 1, 0, 0, 0, 5]],
  ])("of %i bytes have a length of 64 bits, the highest first", (length, header) => {
    const bytes = new Uint8Array(10);
    putHeader(bytes, 0, length, OPCODE_BINARY, false);
    expect([...bytes]).toEqual(header);
  });

  test("say text, and RSV1 when compressed [RFC 7692 §7.2.3.1]", () => {
    const out = new ByteWriter();
    writeFrame(out, new Uint8Array(0), OPCODE_TEXT);
    writeFrame(out, new Uint8Array(0), OPCODE_TEXT, true);
    expect([...out.view()]).toEqual([0x81, 0, 0xc1, 0]);
  });
});

describe("a byte writer", () => {
  test("keeps what was written when it grows", () => {
    const out = new ByteWriter(1);
    out.ascii("ab");
    out.byte(0x63);
    out.utf8("é€\u{1f600}");
    out.bytes(Uint8Array.from([1, 2]));
    expect(Buffer.from(out.view())).toEqual(
      Buffer.concat([Buffer.from("abcé€\u{1f600}"), Buffer.from([1, 2])]),
    );
  });

  test("gives copies that later writes leave alone", () => {
    const out = new ByteWriter();
    out.ascii("ab");
    const copy = out.copy(1);
    out.reset();
    out.ascii("xy");
    expect([...copy]).toEqual([0x62]);
    expect([...out.view()]).toEqual([0x78, 0x79]);
  });

  test("gives the memory of a very large message back", () => {
    const out = new ByteWriter(16);
    out.bytes(new Uint8Array(4_194_305));
    out.reset();
    expect(out.buffer.length).toBe(16);
    out.bytes(new Uint8Array(1_000_000));
    const { buffer } = out;
    out.reset();
    expect(out.buffer).toBe(buffer);
  });
});

describe("a line splitter", () => {
  function linesOf(text: string | Uint8Array, maxLineBytes: number): string[] {
    const lines: string[] = [];
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    const splitter = new LineSplitter(maxLineBytes);
    splitter.push(bytes, (line) => lines.push(line));
    splitter.end((line) => lines.push(line));
    return lines;
  }

  test("takes LF and CRLF, skips empty lines, and hands over a last line without end", () => {
    expect(linesOf("a\r\n\r\n\nb\nc", 10)).toEqual(["a", "b", "c"]);
  });

  test("keeps a byte order mark and a CR inside a line", () => {
    expect(linesOf("\ufeffa\rb\n\ufeffc\n", 10)).toEqual(["\ufeffa\rb", "\ufeffc"]);
  });

  test("takes a line of exactly the limit, ended and not", () => {
    expect(linesOf("éé\nabcd\nab", 4)).toEqual(["éé", "abcd", "ab"]);
    expect(linesOf("abcd", 4)).toEqual(["abcd"]);
  });

  test.each(["abcde\n", "a\nabcde\nb\n", "a\nabcde", "ééa\n"])(
    "refuses a longer one, in %j",
    (text) => {
      expect(() => linesOf(text, 4)).toThrow(expect.objectContaining({ code: "too_large" }));
    },
  );

  test("holds no more than the limit of a line that never ends", () => {
    const splitter = new LineSplitter(1_000);
    const chunk = new Uint8Array(300).fill(0x61);
    for (let i = 0; i < 3; i += 1) splitter.push(chunk, () => expect.fail("a line"));
    expect(() => splitter.push(chunk, () => undefined)).toThrow(
      expect.objectContaining({ code: "too_large" }),
    );
    expect(splitter.pendingBytes).toBe(900);
  });

  test.each([
    [[0x61, 0x0a, 0xff, 0x0a, 0x62, 0x0a]],
    [[0x61, 0x0a, 0xe2, 0x82, 0x0a]],
    [[0x61, 0x0a, 0xc3]],
  ])("refuses a line that is not UTF-8, after the lines before it: %j", (bytes) => {
    const lines: string[] = [];
    const splitter = new LineSplitter(10);
    expect(() => {
      splitter.push(Uint8Array.from(bytes), (line) => lines.push(line));
      splitter.end((line) => lines.push(line));
    }).toThrow(expect.objectContaining({ code: "bad_request" }));
    expect(lines).toEqual(["a"]);
  });
});
