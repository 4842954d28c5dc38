import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The built program, as `npm test` builds it. */
const MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

/** What `tributary … --help` prints, as a pipe gets it. */
export function helpOf(command: readonly string[]): string {
  const help = spawnSync(process.execPath, [MAIN, ...command, "--help"], { encoding: "utf8" });
  if (help.status === 0) return help.stdout;
  throw new Error(`tributary ${command.join(" ")} --help failed: ${help.stderr}`);
}
