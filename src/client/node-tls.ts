import { isIP } from "node:net";
import type { TlsClientOptions } from "./tls-client-options.ts";

/** The options in the words of `node:tls`, which `node:https`, `ws` and `mqtt` take, too. */
export function nodeTlsOptions({ verifies, ca, cert, key }: TlsClientOptions) {
  return {
    rejectUnauthorized: verifies,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** The name a server is asked for; none for an address, which RFC 6066 §3 does not allow there. */
export function serverName(host: string): { readonly servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}
