/** How a client connects by TLS. The names of the gateway are always checked when it verifies. */
export interface TlsClientOptions {
  /** `false`: talks to whoever answers, with nothing proven. For experiments only. */
  readonly verifies: boolean;
  /** The CAs to trust, PEM; absent: those that Node knows. */
  readonly ca?: string;
  /** The client's own certificate and its key, PEM. */
  readonly cert?: string;
  readonly key?: string;
}

/** Verifies with the CAs that Node knows, and shows no certificate. */
export const DEFAULT_TLS: TlsClientOptions = Object.freeze({ verifies: true });
