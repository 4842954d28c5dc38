import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { type Copy, copies, type Stage } from "./dockerfile.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const lockfile = z.object({
  packages: z.record(z.string(), z.looseObject({ dev: z.boolean().default(false) })),
});

/**
 * Lays out in `folder` what the `COPY` instructions of a stage put into its working directory: from
 * this project, or from what another stage's folder holds at `workdirOf` that stage.
 */
export function layOut(
  stage: Stage,
  folder: string,
  stages: ReadonlyMap<string, { readonly folder: string; readonly workdir: string }> = new Map(),
): void {
  mkdirSync(folder, { recursive: true });
  for (const copy of copies(stage)) copyInto(copy, folder, stages);
}

function copyInto(
  { from, sources, target }: Copy,
  folder: string,
  stages: ReadonlyMap<string, { readonly folder: string; readonly workdir: string }>,
): void {
  const other = from === null ? undefined : stages.get(from);
  if (from !== null && other === undefined) throw new Error(`there is no stage ${from}`);
  for (const source of sources) {
    const origin =
      other === undefined ? join(ROOT, source) : source.replace(other.workdir, other.folder);
    const end = target.endsWith("/") ? join(folder, target, source) : join(folder, target);
    mkdirSync(dirname(end), { recursive: true });
    cpSync(origin, end, { recursive: true });
  }
}

/** Puts every package there, as `npm ci` does. */
export function installAll(folder: string): void {
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
}

/**
 * Puts the packages there that `npm ci --omit=dev` would install, and no other. They are links: run
 * Node with `--preserve-symlinks`, or it looks beside the real ones, where the others are.
 */
export function installProduction(folder: string): void {
  const lock = lockfile.parse(JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")));
  for (const [path, { dev }] of Object.entries(lock.packages)) {
    const isNested = path.lastIndexOf("node_modules/") > 0;
    if (path === "" || dev || isNested || !existsSync(join(ROOT, path))) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    symlinkSync(join(ROOT, path), join(folder, path));
  }
}
