import { TLSSocket } from "node:tls";
import type { Credentials } from "./authenticator.ts";
import type { ClientCertificates } from "./tls-files.ts";

const NO_CREDENTIALS: Credentials = Object.freeze({ kind: "none" });

/**
 * Who a connection's certificate says it is; `none` for a plain connection, one without a verified
 * certificate, and one whose certificate has not exactly one common name.
 */
export function certificateCredentials(connection: unknown): Credentials {
  const commonName = verifiedName(connection);
  return commonName === null ? NO_CREDENTIALS : { kind: "certificate", commonName };
}

/**
 * Whether a client may stay after its handshake. `authorized` alone is not enough: Node also sets it
 * for a resumed TLS 1.3 session in which no certificate was ever shown.
 */
export function isPeerAcceptable(socket: TLSSocket, mode: ClientCertificates): boolean {
  if (mode === "off") return true;
  const hasCertificate = socket.getPeerX509Certificate() !== undefined;
  return hasCertificate ? socket.authorized : mode === "request";
}

function verifiedName(connection: unknown): string | null {
  if (!(connection instanceof TLSSocket) || !connection.authorized) return null;
  // Typed as always there; without a certificate the object is empty.
  const { subject }: { subject?: { CN?: string | readonly string[] } } =
    connection.getPeerCertificate();
  const name = subject?.CN;
  return typeof name === "string" && name !== "" ? name : null;
}
