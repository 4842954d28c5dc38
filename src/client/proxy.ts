/** How a proxy is spoken to. */
type ProxyKind = "socks5" | "socks5h" | "http" | "https";

const KINDS: Readonly<Record<string, ProxyKind>> = {
  "socks5:": "socks5",
  "socks5h:": "socks5h",
  "http:": "http",
  "https:": "https",
};

/** The port a proxy has when none is given: RFC 1928 §3 for SOCKS, and what CONNECT proxies use. */
const DEFAULT_PORTS: Readonly<Record<ProxyKind, number>> = {
  socks5: 1080,
  socks5h: 1080,
  http: 80,
  https: 443,
};

/** A proxy that carries connections of any protocol. */
export interface ProxyAddress {
  /** `socks5` looks names up here, `socks5h` and the HTTP ones have the proxy do it. */
  readonly kind: ProxyKind;
  readonly host: string;
  readonly port: number;
  readonly credentials: { readonly user: string; readonly password: string } | null;
}

/** A proxy that cannot be used, or would not connect. Its message holds no credentials. */
export class ProxyError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "ProxyError";
  }
}

/** Reads `socks5://user:password@host:port` and its like. Throws {@link ProxyError}. */
export function parseProxy(text: string): ProxyAddress {
  if (!URL.canParse(text)) {
    throw new ProxyError("a proxy is given as socks5://HOST:PORT or http://HOST:PORT");
  }
  const { protocol, hostname, port, username, password, pathname, search } = new URL(text);
  const kind = KINDS[protocol];
  if (kind === undefined) {
    const known = Object.values(KINDS).join(", ");
    throw new ProxyError(`there is no way through a proxy of ${protocol}//; known are ${known}`);
  }
  if (hostname === "" || (pathname !== "" && pathname !== "/") || search !== "") {
    throw new ProxyError("the address of a proxy is a scheme, a host and a port, and no more");
  }
  return {
    kind,
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port || DEFAULT_PORTS[kind]),
    credentials:
      username === ""
        ? null
        : { user: decodeURIComponent(username), password: decodeURIComponent(password) },
  };
}

/** The proxy's address, without credentials. */
export function proxyText({ kind, host, port }: ProxyAddress): string {
  return `${kind}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
