import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/errors.ts";
import { LineSplitter } from "../../src/wire/line.ts";
import { formatQuery, parseQuery, pathOfTopic, topicOfPath } from "../../src/wire/query.ts";
import { formatSseBlock, formatSseComment } from "../../src/wire/sse.ts";
import { SseDecoder } from "../../src/wire/sse-decoder.ts";
import { newStampPayload, readStamp, STAMP_BYTES, writeStamp } from "../../src/wire/stamp.ts";

const RUNS = { numRuns: 2_000 };

/** The bytes cut into chunks at the given places, empty chunks included. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
  const chunks: Uint8Array[] = [];
  let start = 0;
  for (const end of [...ends, bytes.length]) {
    chunks.push(bytes.slice(start, end));
    start = end;
  }
  return chunks;
}

const places = fc.array(fc.nat(), { maxLength: 10 });

interface Split {
  readonly lines: readonly string[];
  readonly code: string | null;
}

function split(chunks: readonly Uint8Array[], maxLineBytes: number): Split {
  const splitter = new LineSplitter(maxLineBytes);
  const lines: string[] = [];
  try {
    for (const chunk of chunks) splitter.push(chunk, (line) => lines.push(line));
    splitter.end((line) => lines.push(line));
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { lines, code: error.code };
  }
  return { lines, code: null };
}

describe("lines", () => {
  const piece = fc.constantFrom("\n", "\r\n", "\r", "a", "é", "€", "\u{1f600}", "\ufeff", "bcd");
  const stream = fc
    .array(piece, { maxLength: 40 })
    .map((pieces) => new TextEncoder().encode(pieces.join("")));

  test("are the same however the stream is cut", () => {
    fc.assert(
      fc.property(stream, places, (bytes, at) => {
        const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
        const expected = text.split("\n").map((line) => line.replace(/\r$/, ""));
        const { lines, code } = split(cut(bytes, at), 1_000);
        expect(code).toBe(null);
        expect(lines).toEqual(expected.filter((line) => line !== ""));
      }),
      RUNS,
    );
  });

  test("are handed over up to the first bad one, the same however the stream is cut", () => {
    const bad = fc.oneof(stream, fc.uint8Array({ maxLength: 8 }));
    fc.assert(
      fc.property(fc.array(bad, { maxLength: 4 }), places, (parts, at) => {
        const bytes = Uint8Array.from(parts.flatMap((part) => [...part, 0x0a]));
        const whole = split([bytes], 12);
        const pieces = split(cut(bytes, at), 12);
        expect(pieces.lines).toEqual(whole.lines);
        expect(pieces.code === null).toBe(whole.code === null);
      }),
      RUNS,
    );
  });
});

interface Seen {
  readonly event: string;
  readonly data: string;
  readonly id: string;
}

/** What a foreign parser, written for the same standard, makes of the text. */
function foreignEvents(text: string): Seen[] {
  const seen: Seen[] = [];
  let id = "";
  const parser = createParser({
    onEvent: (event) => {
      id = event.id ?? id;
      seen.push({ event: event.event ?? "message", data: event.data, id });
    },
  });
  parser.feed(text);
  return seen;
}

describe("event streams", () => {
  const line = fc.constantFrom(
    ...["data: a", "data:b", "data:  c", "data", "data:", "event: x", "event:", "event"],
    ...["id: 1", "id: 2\0", ": comment", "retry: 10", "retry: x", "unknown: y", "data: é€😀", ""],
  );
  const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
  const stream = fc
    .array(fc.tuple(line, lineEnd), { maxLength: 30 })
    .map((lines) => lines.map(([text, end]) => text + end).join(""));

  test("are the same however they are cut [WHATWG HTML §9.2.6]", () => {
    fc.assert(
      fc.property(stream, places, fc.boolean(), (text, at, hasMark) => {
        const bytes = new TextEncoder().encode((hasMark ? "\ufeff" : "") + text);
        const whole = new SseDecoder();
        const events = whole.push(bytes);
        const pieces = new SseDecoder();
        expect(cut(bytes, at).flatMap((chunk) => pieces.push(chunk))).toEqual(events);
        expect(pieces.lastEventId).toBe(whole.lastEventId);
        expect(pieces.retryMs).toBe(whole.retryMs);
      }),
      RUNS,
    );
  });

  test("are read as a foreign parser reads them [WHATWG HTML §9.2.6]", () => {
    fc.assert(
      fc.property(stream, (lines) => {
        // That parser reads a CR at the very end only with what follows: a comment follows here.
        const text = `${lines}:\n`;
        // That parser forgets an id whose block has no data, so it is compared without such blocks.
        fc.pre(!text.includes("id: "));
        expect(new SseDecoder().push(new TextEncoder().encode(text))).toEqual(foreignEvents(text));
      }),
      RUNS,
    );
  });

  test("that we write are read by a foreign parser as they were meant", () => {
    const field = fc.string({ unit: "grapheme", minLength: 1 }).filter((t) => !/[\r\n\0]/.test(t));
    const block = fc.record({ id: field, event: field, data: fc.string({ unit: "grapheme" }) });
    fc.assert(
      fc.property(fc.array(block, { maxLength: 5 }), (blocks) => {
        const text = blocks.map((b) => formatSseComment("beat") + formatSseBlock(b)).join("");
        const expected = blocks.map(({ id, event, data }) => ({
          id,
          event,
          data: data.replace(/\r\n|\r/g, "\n"),
        }));
        expect(foreignEvents(text)).toEqual(expected);
        expect(new SseDecoder().push(new TextEncoder().encode(text))).toEqual(expected);
      }),
      RUNS,
    );
  });
});

describe("request targets", () => {
  const text = fc.string({ unit: "grapheme" });

  test("carry any names and values through a query", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 6 }), (pairs) => {
        const expected = new Map<string, string[]>();
        for (const [name, value] of pairs) {
          expected.set(name, [...(expected.get(name) ?? []), value]);
        }
        expect(parseQuery(formatQuery(pairs))).toEqual(expected);
      }),
      RUNS,
    );
  });

  test("carry any topic through a path, as one segment or with its slashes", () => {
    fc.assert(
      fc.property(text, (topic) => {
        const path = pathOfTopic(topic);
        expect(topicOfPath(path)).toBe(topic);
        expect(topicOfPath(path.replaceAll("%2F", "/"))).toBe(topic);
      }),
      RUNS,
    );
  });
});

describe("stamps", () => {
  test("are read back from payloads of any size, and are ASCII that JSON does not escape", () => {
    const uint32 = fc.oneof(fc.constantFrom(0, 2 ** 32 - 1), fc.integer({ min: 0 }));
    const time = fc.oneof(fc.constantFrom(0, 2 ** 53, 2 ** 60 - 128), fc.maxSafeNat());
    const stamp = fc.record({
      run: uint32,
      stream: uint32,
      sequence: uint32,
      intendedNs: time,
      sentNs: time,
    });
    fc.assert(
      fc.property(stamp, fc.integer({ min: STAMP_BYTES, max: 300 }), (sent, bytes) => {
        const payload = newStampPayload(bytes);
        writeStamp(payload, sent);
        expect(readStamp(payload)).toEqual(sent);
        expect(new TextDecoder().decode(payload)).toMatch(/^[0-9A-Za-z_-]+$/);
      }),
      RUNS,
    );
  });
});
