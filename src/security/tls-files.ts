import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";

/** Whether clients show a certificate of their own: never, if they have one, always. */
export type ClientCertificates = "off" | "request" | "require";

/** One TLS listener's section of the config. */
export interface TlsSettings {
  readonly certFile: string;
  readonly keyFile: string;
  /** The CAs of client certificates; empty for none. */
  readonly caFile: string;
  readonly clientCertificates: ClientCertificates;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  readonly handshakeTimeoutMs: number;
}

/** What a listener proves itself with, read and checked as a whole. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  /** `null` when no client certificates are asked for. */
  readonly ca: string | null;
  /** The gateway's own certificate, the first of its file. */
  readonly certificate: X509Certificate;
  /** When it expires: milliseconds since the Unix epoch. */
  readonly notAfter: number;
}

/** A file a TLS listener needs is of no use; the message names it and says why. */
export class TlsFileError extends Error {
  /** The name of the setting, such as `certFile`. */
  readonly setting: string;

  constructor(setting: string, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = "TlsFileError";
    this.setting = setting;
  }
}

/** A private key that needs a passphrase: RFC 5958 §3 in PEM (RFC 7468 §11), and what came before. */
const LOCKED_KEY = /^-----BEGIN ENCRYPTED PRIVATE KEY|^Proc-Type: 4,ENCRYPTED/m;

/**
 * The longest chain peers take, in bytes: OpenSSL, and with it Node, curl and Mosquitto, end the
 * handshake above 100 KiB (SSL_CTX_set_max_cert_list(3)). A public chain takes 2 to 6.
 */
const MAX_CHAIN_BYTES = 102_400;

/** What stands around each certificate of the handshake's message, and around all (RFC 8446 §4.4.2). */
const ENTRY_BYTES = 5;
const LIST_BYTES = 4;

const CERTIFICATE_BLOCK =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----([^-]*)-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/** Reads the files and checks that they belong together. Rejects with {@link TlsFileError}. */
export async function readTlsFiles(settings: TlsSettings): Promise<TlsMaterial> {
  const { certFile, keyFile, caFile, clientCertificates, minVersion } = settings;
  const cert = await read("certFile", certFile);
  const key = await read("keyFile", keyFile);
  const ca = clientCertificates === "off" ? null : await read("caFile", caFile);
  const certificate = parse("certFile", certFile, "a certificate", () => new X509Certificate(cert));
  checkChainLength(cert, certFile);
  if (LOCKED_KEY.test(key)) {
    throw new TlsFileError(
      "keyFile",
      `${keyFile} is locked with a passphrase, and none can be given`,
    );
  }
  const privateKey = parse("keyFile", keyFile, "a private key", () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new TlsFileError("keyFile", `${keyFile} is not the private key of ${certFile}`);
  }
  if (ca !== null) parse("caFile", caFile, "a certificate", () => new X509Certificate(ca));
  // The rest of the chain, and what else OpenSSL may not like: a key too short, for one.
  parse("certFile", certFile, "usable", () =>
    createSecureContext({ cert, key, minVersion, ...(ca === null ? {} : { ca }) }),
  );
  const notAfter = Date.parse(certificate.validTo);
  return { cert, key, ca, certificate, notAfter };
}

/** A chain too long would load, and fail in the handshake of every client. */
function checkChainLength(cert: string, certFile: string): void {
  let certificates = 0;
  let bytes = LIST_BYTES;
  for (const [, base64 = ""] of cert.matchAll(CERTIFICATE_BLOCK)) {
    certificates += 1;
    bytes += Buffer.from(base64, "base64").length + ENTRY_BYTES;
  }
  if (bytes <= MAX_CHAIN_BYTES) return;
  throw new TlsFileError(
    "certFile",
    `${certFile} holds ${certificates} certificates of ${bytes} bytes together; clients take a chain ` +
      `of ${MAX_CHAIN_BYTES} at most. It needs the gateway's own and those between it and a CA`,
  );
}

async function read(setting: string, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new TlsFileError(setting, `${file} cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

/** Runs a parser of OpenSSL's; its own words are for people who know it, so the file comes first. */
function parse<T>(setting: string, file: string, what: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw new TlsFileError(setting, `${file} is not ${what}: ${reasonOf(cause)}`, { cause });
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
