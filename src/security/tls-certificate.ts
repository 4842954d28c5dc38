import type { Server, TlsOptions } from "node:tls";
import { readTlsFiles, TlsFileError, type TlsMaterial, type TlsSettings } from "./tls-files.ts";
import { FilesWatch } from "./tls-watch.ts";

const DAY_MS = 86_400_000;

/** Renewal is due from here on: Let's Encrypt's clients renew 30 days before the end. */
const WARN_WITHIN_DAYS = 14;

/** How often the files are read without having been seen to change: some file systems tell nobody. */
const CHECK_EVERY_MS = 12 * 3_600_000;

/** Where the life of a certificate is reported; a logger. */
export interface CertificateLog {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/**
 * What one TLS listener proves itself with. Follows its files: a new certificate is shown to whoever
 * connects from then on, and nobody who is connected notices. Files that are of no use change nothing.
 */
export class ListenerCertificate {
  readonly settings: TlsSettings;
  readonly #transport: string;
  readonly #log: CertificateLog;
  readonly #now: () => number;
  #material: TlsMaterial | null = null;
  #server: Server | null = null;
  #watch: FilesWatch | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** The last reading was an error line, which wants a line that says when it is over. */
  #isRefused = false;
  /** Readings follow one another, so that the last one to begin is the last to take effect. */
  #reading: Promise<void> = Promise.resolve();

  /** @param now milliseconds since the Unix epoch. */
  constructor(transport: string, settings: TlsSettings, log: CertificateLog, now: () => number) {
    this.#transport = transport;
    this.settings = settings;
    this.#log = log;
    this.#now = now;
  }

  /** Milliseconds since the Unix epoch; `null` before {@link load}. */
  get notAfter(): number | null {
    return this.#material?.notAfter ?? null;
  }

  /** Reads the files for the first time. Rejects with `TlsFileError`. */
  async load(): Promise<void> {
    this.#take(await readTlsFiles(this.settings));
  }

  /** How to create the server. Only after {@link load}. @param alpn protocols it speaks; none: any. */
  serverOptions(alpn: readonly string[]): TlsOptions {
    const { clientCertificates, handshakeTimeoutMs } = this.settings;
    return {
      ...contextOptions(this.#loaded, this.settings),
      handshakeTimeout: handshakeTimeoutMs,
      requestCert: clientCertificates !== "off",
      // With `request`, who has none may stay; who shows a wrong one is refused by the listener.
      rejectUnauthorized: clientCertificates === "require",
      ...(alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
    };
  }

  /** From here on the server shows what the files hold. */
  keepCurrent(server: Server): void {
    const { certFile, keyFile, caFile, clientCertificates } = this.settings;
    this.#server = server;
    const files = clientCertificates === "off" ? [certFile, keyFile] : [certFile, keyFile, caFile];
    this.#watch = new FilesWatch(
      files,
      () => void this.reload(),
      (error) => this.#log.warn("certificate files are not watched", { ...this.#facts(), error }),
    );
    this.#timer = setInterval(() => {
      void this.reload().then(() => this.#warnIfExpiring());
    }, CHECK_EVERY_MS).unref();
  }

  /**
   * Reads the files again. Never rejects: what is wrong with them is logged, and the certificate in
   * use stays in use. @param isAsked somebody waits for a line that says what came of it.
   */
  reload(isAsked = false): Promise<void> {
    this.#reading = this.#reading.then(() => this.#reload(isAsked));
    return this.#reading;
  }

  stop(): void {
    this.#watch?.stop();
    this.#watch = null;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#server = null;
  }

  async #reload(isAsked: boolean): Promise<void> {
    const current = this.#material;
    if (this.#server === null || current === null) return;
    try {
      const next = await readTlsFiles(this.settings);
      // It may have been stopped meanwhile.
      if (this.#server === null) return;
      if (next.cert === current.cert && next.key === current.key && next.ca === current.ca) {
        if (isAsked || this.#isRefused) this.#log.info("certificate unchanged", this.#facts());
        this.#isRefused = false;
        return;
      }
      this.#checkNotExpired(next, current);
      this.#server.setSecureContext(contextOptions(next, this.settings));
      this.#take(next);
    } catch (error) {
      this.#isRefused = true;
      this.#log.error("certificate not reloaded, the one in use stays", {
        ...this.#facts(),
        error,
      });
    }
  }

  /** At the start an expired certificate is better than none; later it is worse than the one in use. */
  #checkNotExpired(next: TlsMaterial, current: TlsMaterial): void {
    const now = this.#now();
    if (next.notAfter > now || current.notAfter <= now) return;
    const { certFile } = this.settings;
    const end = new Date(next.notAfter).toISOString();
    throw new TlsFileError("certFile", `the certificate in ${certFile} expired at ${end}`);
  }

  #take(material: TlsMaterial): void {
    this.#material = material;
    this.#isRefused = false;
    this.#log.info("certificate loaded", this.#facts());
    this.#warnIfExpiring();
  }

  #warnIfExpiring(): void {
    const notAfter = this.notAfter;
    if (notAfter === null) return;
    const daysLeft = Math.floor((notAfter - this.#now()) / DAY_MS);
    if (daysLeft >= WARN_WITHIN_DAYS) return;
    const text = daysLeft < 0 ? "certificate has expired" : "certificate expires soon";
    this.#log.warn(text, { ...this.#facts(), daysLeft });
  }

  #facts() {
    const material = this.#material;
    return {
      transport: this.#transport,
      certFile: this.settings.certFile,
      ...(material === null
        ? {}
        : {
            subject: material.certificate.subject.replaceAll("\n", ", "),
            names: material.certificate.subjectAltName,
            notAfter: new Date(material.notAfter).toISOString(),
            fingerprint: material.certificate.fingerprint256,
          }),
    };
  }

  get #loaded(): TlsMaterial {
    if (this.#material === null) throw new Error("the certificate has not been loaded");
    return this.#material;
  }
}

function contextOptions({ cert, key, ca }: TlsMaterial, { minVersion }: TlsSettings) {
  return { cert, key, minVersion, ...(ca === null ? {} : { ca }) };
}
