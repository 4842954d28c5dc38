import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { arch, cpus, release, totalmem } from "node:os";
import type { LedgerFactor, LedgerValue } from "./ledger.ts";

type Part = Readonly<Partial<Record<LedgerFactor, LedgerValue>>>;

/** What this host and this process are, for a ledger; nothing that names the host or its user. */
export async function hostLedger(): Promise<Part> {
  const processors = cpus();
  return {
    commit: await commitOf(new URL("../../.git/", import.meta.url)),
    nodeVersion: process.version,
    mqttLibraryVersion: await installedVersion("mqtt"),
    webSocketLibraryVersion: await installedVersion("ws"),
    // The release alone: the longer version text names the host that built the kernel.
    kernel: `${process.platform} ${release()}`,
    architecture: arch(),
    cpuModel: processors[0]?.model.trim() || null,
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}

/** The checked-out commit by Git's own files; `null` where there is no work tree. */
async function commitOf(gitDirectory: URL): Promise<string | null> {
  const read = async (path: string): Promise<string | null> =>
    // A missing file is the answer: an installed package has no history.
    readFile(new URL(path, gitDirectory), "utf8").catch(() => null);
  const head = (await read("HEAD"))?.trim() ?? "";
  if (/^[0-9a-f]{40,64}$/.test(head)) return head;
  const reference = /^ref: (refs\/\S+)$/.exec(head)?.[1];
  if (reference === undefined) return null;
  const loose = (await read(reference))?.trim();
  if (loose !== undefined) return loose;
  const packed = (await read("packed-refs"))?.split("\n") ?? [];
  return packed.find((line) => line.endsWith(` ${reference}`))?.split(" ")[0] ?? null;
}

/** The version of an installed package; `null` when it cannot be told. */
async function installedVersion(name: string): Promise<string | null> {
  const require = createRequire(import.meta.url);
  for (const folder of require.resolve.paths(name) ?? []) {
    // Not found in this folder: the next one up is asked.
    const text = await readFile(`${folder}/${name}/package.json`, "utf8").catch(() => null);
    if (text === null) continue;
    const manifest: unknown = JSON.parse(text);
    const hasVersion = typeof manifest === "object" && manifest !== null && "version" in manifest;
    return hasVersion ? String(manifest.version) : null;
  }
  return null;
}
