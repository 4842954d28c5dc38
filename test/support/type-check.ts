import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A value, and the type it has to be of, from a package of types. */
export interface TypedValue {
  readonly module: string;
  readonly type: string;
  readonly value: unknown;
}

/**
 * What the TypeScript compiler finds wrong with the values, one line a finding. As each is written
 * out as a literal, a member its type does not know is found too, which a JSON schema with open
 * objects lets pass.
 */
export function typeFindings(values: readonly TypedValue[]): readonly string[] {
  // Inside the project, so that its packages are found.
  const folder = mkdtempSync(join(ROOT, "node_modules/.type-check-"));
  try {
    const lines = values.map(
      ({ module, type, value }, index) =>
        `import type { ${type} as T${index} } from "${module}";\nexport const v${index}: T${index} = ${JSON.stringify(value)};\n`,
    );
    const file = join(folder, "values.ts");
    writeFileSync(file, lines.join(""));
    const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
    const options = ["--noEmit", "--strict", "--module", "preserve", "--pretty", "false"];
    const { status, stdout } = spawnSync(
      process.execPath,
      [compiler, ...options, "--ignoreConfig", "--types", "", file],
      { encoding: "utf8" },
    );
    if (status === 0) return [];
    return stdout.split("\n").filter((line) => line.includes("error TS"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
