import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** A defect to be put into the built program: what stands there once, and what takes its place. */
export interface Defect {
  /** Below `dist/`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A copy of the built program with defects in it. */
export interface PatchedBuild {
  /** Its `main.js`. */
  readonly main: string;
  remove(): Promise<void>;
}

/**
 * Builds a program that is wrong on purpose, to see whether a test notices. Throws when the code to be
 * broken is not there exactly once: then it was rewritten, and the defect has to be, too.
 */
export async function buildWith(defects: readonly Defect[]): Promise<PatchedBuild> {
  const folder = await mkdtemp(join(tmpdir(), "tributary-defect-"));
  const dist = join(folder, "dist");
  await cp(join(ROOT, "dist"), dist, { recursive: true });
  await cp(join(ROOT, "package.json"), join(folder, "package.json"));
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  for (const { file, find, replace } of defects) {
    const path = join(dist, file);
    const parts = (await readFile(path, "utf8")).split(find);
    if (parts.length !== 2) {
      throw new Error(`dist/${file} holds ${parts.length - 1} times, not once: ${find}`);
    }
    await writeFile(path, parts.join(replace));
  }
  return {
    main: join(dist, "main.js"),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
