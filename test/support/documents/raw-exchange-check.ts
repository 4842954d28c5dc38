import { checkAnswer } from "./answer-check.ts";
import { checkBlock } from "./frame-check.ts";

const HEAD_END = "\r\n\r\n";

/**
 * Checks every whole answer of a connection that a test wrote by hand. `written` and `received` hold
 * one character for each byte. What cannot be told apart, such as answers to bytes that are no
 * request, is checked as an answer to a request for nothing.
 */
export function checkRawExchange(written: string, received: string): void {
  const requests = requestsOf(written);
  let rest = received;
  for (;;) {
    const headEnd = rest.indexOf(HEAD_END);
    if (headEnd < 0 || !rest.startsWith("HTTP/1.1 ")) return;
    const lines = rest.slice(0, headEnd).split("\r\n");
    const status = Number(lines[0]?.split(" ", 2)[1]);
    rest = rest.slice(headEnd + HEAD_END.length);
    if (status === 100) continue;
    // After an upgrade come bytes of another protocol.
    if (status === 101) return;
    const headers = headersOf(lines.slice(1));
    const { method, target } = requests.shift() ?? { method: "GET", target: "/unknown" };
    const isStream = headers["content-type"]?.startsWith("text/event-stream") === true;
    const hasBody = method !== "HEAD" && status !== 204;
    const length = hasBody && !isStream ? Number(headers["content-length"] ?? 0) : 0;
    if (rest.length < length) return;
    const body = Buffer.from(rest.slice(0, length), "latin1");
    checkAnswer({ method, target, status, headers, body });
    rest = rest.slice(length);
    if (isStream) {
      checkBlocks(rest);
      return;
    }
  }
}

function headersOf(lines: readonly string[]): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return headers;
}

/** The request lines; a body is passed over where its length is declared. */
function requestsOf(written: string): { method: string; target: string }[] {
  const requests: { method: string; target: string }[] = [];
  let rest = written;
  for (;;) {
    const [line, method, target] = /^([A-Z]+) (\S+) HTTP\/1\.[01]\r\n/.exec(rest) ?? [];
    const headEnd = rest.indexOf(HEAD_END);
    if (line === undefined || method === undefined || target === undefined || headEnd < 0) break;
    requests.push({ method, target });
    const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(rest.slice(0, headEnd + 2))?.[1] ?? "0";
    rest = rest.slice(headEnd + HEAD_END.length + Number(length));
  }
  return requests;
}

/** Every whole block of an event stream. */
function checkBlocks(text: string): void {
  const blocks = Buffer.from(text, "latin1").toString("utf8").split("\n\n").slice(0, -1);
  for (const block of blocks) {
    const fields = block
      .split("\n")
      .map((line): [string, string] => [
        line.split(": ", 1)[0] ?? "",
        line.slice(line.indexOf(": ") + 2),
      ]);
    checkBlock(Object.fromEntries(fields));
  }
}
