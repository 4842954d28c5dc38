// The certificate library resolves its parts by decorators, which need this loaded first.
import "reflect-metadata";
import { createPrivateKey, KeyObject, type webcrypto } from "node:crypto";
import { isIP } from "node:net";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** P-256: what every TLS library of the last ten years speaks, and small enough for a sensor. */
const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING_ALGORITHM = { name: "ECDSA", hash: "SHA-256" } as const;

/** RFC 5280 §4.2.1.12. */
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

const DAY_MS = 86_400_000;
const CA_DAYS = 3_650;

/** Certificates begin this much in the past: the clock of a device may be late. */
const CLOCK_SKEW_MS = 3_600_000;

/** A certificate and its private key, both PEM. */
export interface PemPair {
  readonly cert: string;
  readonly key: string;
  readonly notAfter: Date;
}

/** Whom a certificate is for. */
export type CertificateHolder =
  | { readonly is: "server"; readonly hosts: readonly string[] }
  | { readonly is: "client"; readonly name: string };

/** A CA for development: it signs for whoever holds its files, and proves nothing to anyone else. */
export class DevelopmentCa {
  readonly pem: PemPair;
  readonly #certificate: X509Certificate;
  readonly #key: webcrypto.CryptoKey;

  private constructor(certificate: X509Certificate, key: webcrypto.CryptoKey) {
    this.#certificate = certificate;
    this.#key = key;
    this.pem = pemPair(certificate, key);
  }

  static async create(now: Date, commonName = "Tributary development CA"): Promise<DevelopmentCa> {
    const { publicKey, privateKey } = await generateKeys();
    const subject = nameOf(commonName);
    const certificate = await X509CertificateGenerator.create({
      subject,
      issuer: subject,
      ...validity(now, CA_DAYS),
      publicKey,
      signingKey: privateKey,
      signingAlgorithm: SIGNING_ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(publicKey),
      ],
    });
    return new DevelopmentCa(certificate, privateKey);
  }

  /** Takes a CA from its files. Throws when they are not those of one that {@link create} made. */
  static async load(cert: string, key: string): Promise<DevelopmentCa> {
    const der = createPrivateKey(key).export({ type: "pkcs8", format: "der" });
    const imported = await crypto.subtle.importKey("pkcs8", der, KEY_ALGORITHM, true, ["sign"]);
    return new DevelopmentCa(new X509Certificate(cert), imported);
  }

  /** Signs a certificate that ends after `days`, or with the CA's own. */
  async issue(holder: CertificateHolder, now: Date, days: number): Promise<PemPair> {
    const { publicKey, privateKey } = await generateKeys();
    const { notBefore, notAfter } = validity(now, days);
    const end = Math.min(notAfter.getTime(), this.#certificate.notAfter.getTime());
    const certificate = await X509CertificateGenerator.create({
      subject: nameOf(holder.is === "client" ? holder.name : "Tributary gateway"),
      issuer: this.#certificate.subjectName,
      notBefore,
      notAfter: new Date(end),
      publicKey,
      signingKey: this.#key,
      signingAlgorithm: SIGNING_ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        ...holderExtensions(holder),
        await SubjectKeyIdentifierExtension.create(publicKey),
        await AuthorityKeyIdentifierExtension.create(this.#certificate),
      ],
    });
    return pemPair(certificate, privateKey);
  }
}

function holderExtensions(holder: CertificateHolder): Extension[] {
  if (holder.is === "client") return [new ExtendedKeyUsageExtension([CLIENT_AUTH])];
  const names = holder.hosts.map((host) => ({
    type: isIP(host) === 0 ? ("dns" as const) : ("ip" as const),
    value: host,
  }));
  return [new ExtendedKeyUsageExtension([SERVER_AUTH]), new SubjectAlternativeNameExtension(names)];
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
}

/** Text, whatever it holds: in the library's own notation some characters have a meaning. */
function nameOf(commonName: string): Name {
  return new Name([{ CN: [{ utf8String: commonName }] }]);
}

/** Certificates tell times to the second. */
function validity(now: Date, days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const second = Math.floor(now.getTime() / 1_000) * 1_000;
  return {
    notBefore: new Date(second - CLOCK_SKEW_MS),
    notAfter: new Date(second + days * DAY_MS),
  };
}

function pemPair(certificate: X509Certificate, key: webcrypto.CryptoKey): PemPair {
  const keyPem = KeyObject.from(key).export({ type: "pkcs8", format: "pem" });
  return {
    cert: `${certificate.toString("pem")}\n`,
    key: String(keyPem),
    notAfter: certificate.notAfter,
  };
}
