/** One system call as strace printed it. Places are line numbers: the order in which things happened. */
export interface SystemCall {
  readonly name: string;
  /** What stands between the parentheses, quoted strings still escaped. */
  readonly args: string;
  /** What it returned; `null` when the process ended within it. */
  readonly result: number | null;
  /** Its beginning was printed here: nothing of it had happened before. */
  readonly startedAt: number;
  /** Its end was printed here: the caller went on after it. `Infinity` when it never did. */
  readonly endedAt: number;
}

const WHOLE = /^(\d+) +[\d.]+ (\w+)\((.*)\) += (-?\d+|\?)/s;
const UNFINISHED = /^(\d+) +[\d.]+ (\w+)\((.*) <unfinished \.\.\.>$/s;
const RESUMED = /^(\d+) +[\d.]+ <\.\.\. (\w+) resumed>(.*)\) += (-?\d+|\?)/s;

interface Begun {
  readonly name: string;
  readonly args: string;
  readonly startedAt: number;
}

/** Reads what `strace -f -ttt -yy` wrote, with calls of several threads put together again. */
export function parseStrace(text: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const begun = new Map<string, Begun>();
  text.split("\n").forEach((line, at) => {
    const whole = WHOLE.exec(line);
    if (whole !== null) {
      const [, , name = "", args = "", result = ""] = whole;
      calls.push({ name, args, result: readResult(result), startedAt: at, endedAt: at });
      return;
    }
    const unfinished = UNFINISHED.exec(line);
    if (unfinished !== null) {
      const [, thread = "", name = "", args = ""] = unfinished;
      begun.set(thread, { name, args, startedAt: at });
      return;
    }
    const resumed = RESUMED.exec(line);
    const [, thread = "", , rest = "", result = ""] = resumed ?? [];
    const first = begun.get(thread);
    if (resumed === null || first === undefined) return;
    begun.delete(thread);
    const args = first.args + rest;
    calls.push({ ...first, args, result: readResult(result), endedAt: at });
  });
  for (const each of begun.values()) {
    calls.push({ ...each, result: null, endedAt: Number.POSITIVE_INFINITY });
  }
  return calls.sort((a, b) => a.startedAt - b.startedAt);
}

function readResult(text: string): number | null {
  return text === "?" ? null : Number(text);
}

const ESCAPES: Readonly<Record<string, number>> = {
  n: 10,
  t: 9,
  r: 13,
  v: 11,
  f: 12,
  '"': 34,
  "\\": 92,
};

/** The bytes of every quoted string in the arguments, one after the other. Throws when one was cut short. */
export function quotedBytes(args: string): Buffer {
  const bytes: number[] = [];
  let at = args.indexOf('"');
  while (at >= 0) {
    at += 1;
    while (args[at] !== '"') {
      if (at >= args.length) throw new Error("a quoted string without an end");
      if (args[at] !== "\\") {
        bytes.push(args.charCodeAt(at));
        at += 1;
        continue;
      }
      const octal = /^[0-7]{1,3}/.exec(args.slice(at + 1, at + 4));
      bytes.push(
        octal === null ? (ESCAPES[args[at + 1] ?? ""] ?? 0) : Number.parseInt(octal[0], 8),
      );
      at += 1 + (octal === null ? 1 : octal[0].length);
    }
    if (args.startsWith("...", at + 1)) throw new Error("strace cut a string short: raise -s");
    at = args.indexOf('"', at + 1);
  }
  return Buffer.from(bytes);
}
