import { spawnSync } from "node:child_process";

/**
 * Whether file systems of our own can be mounted here, without being root outside. Containers often
 * forbid it; then the tests that need it are skipped, with a line that says so.
 */
export function canMount(): boolean {
  const { status } = spawnSync("unshare", ["-rm", "true"], { stdio: "ignore" });
  if (status !== 0) process.stderr.write("skipping tests: unshare -rm is not permitted here\n");
  return status === 0;
}

/** Runs the gateway where this folder is a disk of its own, of so many bytes. */
export function onSmallDisk(folder: string, bytes: number): readonly string[] {
  return inNamespace(`mount -t tmpfs -o size=${bytes} tmpfs ${folder}`);
}

/** Runs the gateway where this folder cannot be written. */
export function onReadOnlyMount(folder: string): readonly string[] {
  return inNamespace(`mount --bind ${folder} ${folder} && mount -o remount,ro,bind ${folder}`);
}

function inNamespace(mount: string): readonly string[] {
  return ["unshare", "-rm", "sh", "-c", `${mount} && exec "$@"`, "sh"];
}

/** Gives the disk of a running gateway another size. */
export function resizeDisk(pid: number, folder: string, bytes: number): void {
  const mount = ["mount", "-o", `remount,size=${bytes}`, folder];
  run("nsenter", ["-t", String(pid), "-U", "-m", "--preserve-credentials", ...mount]);
}

/** Lifts the limit on the size of files of a running gateway. */
export function liftFileLimit(pid: number): void {
  run("prlimit", ["--pid", String(pid), "--fsize=unlimited:unlimited"]);
}

/** Runs the gateway under a soft limit of the shell: `-f` counts KiB, `-n` descriptors. */
export function underLimit(flag: "f" | "n", limit: number): readonly string[] {
  return ["bash", "-c", `ulimit -S -${flag} ${limit} && exec "$@"`, "bash"];
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
}
