import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The built program, as `npm test` and `npm start` build it. */
const MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

/** What a command that ended left. */
export interface Finished {
  /** `null` when a signal ended it. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/**
 * Starts the built program in a process of its own, with only the given variables of those that
 * start with `TRIBUTARY_`, in `cwd` if it is given. Who starts it sees to its end.
 */
export function spawnTributary(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("TRIBUTARY_"));
  return spawn(process.execPath, [MAIN, ...args], {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
  });
}

/** Runs a command to its end. */
export async function runTributary(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<Finished> {
  const child = spawnTributary(args, env, cwd);
  const out = collect(child.stdout);
  const err = collect(child.stderr);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve(status));
  });
  return { code, out: out(), err: err() };
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString("utf8");
}
