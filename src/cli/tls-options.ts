import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { TlsClientOptions } from "../client/tls-client-options.ts";
import type { Output } from "./host.ts";
import { UsageError } from "./usage-error.ts";

/** The options as commander reads them. */
export interface TlsOptions {
  readonly tls?: true;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly insecure?: true;
}

/** Adds the options that say how the gateway proves itself, and how this client does. */
export function addTlsOptions(command: Command): Command {
  return command
    .option("--tls", "connect by TLS; each of the following does so, too")
    .option("--ca <file>", "PEM file with the CA to trust, in place of the system's")
    .option("--cert <file>", "PEM file with this client's own certificate")
    .option("--key <file>", "PEM file with its private key")
    .option("--insecure", "do not check whom one is talking to");
}

/** Whether any of them asks for TLS. */
export function wantsTls({ tls, ca, cert, key, insecure }: TlsOptions): boolean {
  return [tls, ca, cert, key, insecure].some((option) => option !== undefined);
}

/** How to connect by TLS. Throws {@link UsageError} for options that do not fit and files it cannot read. */
export function readTlsOptions(options: TlsOptions): TlsClientOptions {
  const { ca, cert, key, insecure } = options;
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError("--cert and --key go together");
  }
  if (insecure === true && ca !== undefined) {
    throw new UsageError("--ca says whom to trust, and --insecure to trust anyone: give one");
  }
  return {
    verifies: insecure !== true,
    ...(ca === undefined ? {} : { ca: read("--ca", ca) }),
    ...(cert === undefined ? {} : { cert: read("--cert", cert) }),
    ...(key === undefined ? {} : { key: read("--key", key) }),
  };
}

/** Says loudly what `--insecure` gives up. */
export function warnIfInsecure({ insecure }: TlsOptions, err: Output): void {
  if (insecure !== true) return;
  err.write(
    "WARNING: --insecure: the gateway's certificate is NOT checked. Whoever is in between can read\n" +
      "and change everything, the password included. Use --ca FILE outside of experiments.\n",
  );
}

function read(option: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${option} ${file}: ${reason}`, { cause });
  }
}
