import type { Config } from "../config/schema.ts";
import { type CertificateLog, ListenerCertificate } from "./tls-certificate.ts";
import { TlsFileError } from "./tls-files.ts";

/** The transports that have listeners of their own. */
type ListeningTransport = "http" | "mqtt" | "tcp";

/** A TLS listener as the config has it, with what it proves itself with. */
export interface ConfiguredTlsListener {
  readonly host: string;
  readonly port: number;
  readonly certificate: ListenerCertificate;
}

/** What is wrong with the files of one listener. */
export interface TlsFileProblem {
  /** The setting that names the file. */
  readonly path: string;
  readonly text: string;
}

/** The certificates of all TLS listeners of a gateway. */
export class ListenerCertificates {
  readonly #listeners = new Map<ListeningTransport, ConfiguredTlsListener>();

  /** @param now milliseconds since the Unix epoch. */
  constructor(config: Pick<Config, ListeningTransport>, log: CertificateLog, now: () => number) {
    for (const transport of ["http", "mqtt", "tcp"] as const) {
      const { tls } = config[transport];
      if (!tls.enabled) continue;
      const certificate = new ListenerCertificate(transport, tls, log, now);
      this.#listeners.set(transport, { host: tls.host, port: tls.port, certificate });
    }
  }

  /** `null` when the transport has no TLS listener. */
  listener(transport: ListeningTransport): ConfiguredTlsListener | null {
    return this.#listeners.get(transport) ?? null;
  }

  /** Reads every file; resolves with everything that is wrong with them. */
  async load(): Promise<readonly TlsFileProblem[]> {
    const problems: TlsFileProblem[] = [];
    for (const [transport, { certificate }] of this.#listeners) {
      try {
        await certificate.load();
      } catch (thrown) {
        if (!(thrown instanceof TlsFileError)) throw thrown;
        problems.push({ path: `${transport}.tls.${thrown.setting}`, text: thrown.message });
      }
    }
    return problems;
  }

  /** Reads every file again; each listener logs what came of it. Never rejects. */
  async reload(): Promise<void> {
    for (const { certificate } of this.#listeners.values()) await certificate.reload(true);
  }

  /** When each certificate expires, in milliseconds since the Unix epoch. */
  expiries(): readonly { readonly transport: string; readonly notAfter: number }[] {
    return [...this.#listeners].flatMap(([transport, { certificate }]) => {
      const { notAfter } = certificate;
      return notAfter === null ? [] : [{ transport, notAfter }];
    });
  }
}
