import { z } from "zod";
import { DAY_MS, flag, port, text, wholeNumber } from "./setting.ts";

/** Whether clients are asked for a certificate of their own. */
export const CLIENT_CERTIFICATES = ["off", "request", "require"] as const;

/** Versions of TLS that are still safe to speak (RFC 8996 retired those before). */
export const TLS_VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;

/** The TLS listener of one transport, beside its plain one. */
export function tlsListener(defaultPort: number, speaks: string) {
  return z
    .strictObject({
      enabled: flag(false, `Whether the TLS listener of ${speaks} is opened.`),
      host: text("127.0.0.1", "Address the TLS listener binds."),
      port: port(defaultPort, `Port of ${speaks} over TLS; 0 takes any free port.`),
      certFile: file(
        "PEM file with the gateway's certificate and those between it and its CA; read again when it changes.",
      ),
      keyFile: file("PEM file with the certificate's private key, without a passphrase."),
      caFile: file("PEM file with the certificates of the CAs that client certificates come from."),
      clientCertificates: z.enum(CLIENT_CERTIFICATES).default("off").meta({
        description:
          "Whether a client shows a certificate of its own: off never, request if it has one, require always; its common name is the user.",
      }),
      minVersion: z
        .enum(TLS_VERSIONS)
        .default("TLSv1.2")
        .meta({ description: "The oldest version of TLS that is spoken." }),
      handshakeTimeoutMs: wholeNumber(
        10_000,
        { min: 100, max: DAY_MS },
        "Time in which a TLS handshake must be over.",
      ),
    })
    .prefault({});
}

/** The path of a file; empty for none. */
function file(meaning: string) {
  return z.string().default("").meta({ description: meaning });
}
