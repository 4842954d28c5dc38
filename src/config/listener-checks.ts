import type { CrossProblem } from "./checks.ts";
import type { Config } from "./schema.ts";

/** One listener that is to be opened, and where its settings are. */
interface Listener {
  readonly hostPath: string;
  readonly host: string;
  readonly portPath: string;
  readonly port: number;
  /** Every client proves who it is. */
  readonly identifies: boolean;
}

const TRANSPORTS = ["http", "mqtt", "tcp"] as const;

/** What is wrong with the listeners among themselves. */
export function checkListeners(config: Config): CrossProblem[] {
  const listeners = TRANSPORTS.flatMap((name) => listenersOf(name, config[name]));
  return [
    ...(listeners.length === 0 ? [NOTHING_OPEN] : []),
    ...checkExposure(listeners, config.security.allowAnonymous),
    ...checkPorts(listeners),
    ...TRANSPORTS.flatMap((name) => checkTls(`${name}.tls`, config[name].tls)),
  ];
}

const NOTHING_OPEN: CrossProblem = {
  path: "http.enabled",
  comparedWith: TRANSPORTS.flatMap((name) => [`${name}.enabled`, `${name}.tls.enabled`]),
  text: "false, and so is every other listener's: nobody could connect",
};

function listenersOf(
  name: (typeof TRANSPORTS)[number],
  { enabled, host, port, tls }: Config["http" | "mqtt" | "tcp"],
): Listener[] {
  const plain = { ...paths(name), host, port, identifies: false };
  const secure = {
    ...paths(`${name}.tls`),
    host: tls.host,
    port: tls.port,
    identifies: tls.clientCertificates === "require",
  };
  return [...(enabled ? [plain] : []), ...(tls.enabled ? [secure] : [])];
}

function paths(section: string) {
  return { hostPath: `${section}.host`, portPath: `${section}.port` };
}

function checkExposure(listeners: readonly Listener[], allowsAnonymous: boolean): CrossProblem[] {
  if (allowsAnonymous) return [];
  return listeners
    .filter(({ host, identifies }) => !identifies && !isLoopback(host))
    .map(({ hostPath, host }) => ({
      path: hostPath,
      comparedWith: ["security.allowAnonymous"],
      text: `${host} can be reached from other machines and clients have no identity; set security.allowAnonymous: true to let anyone in`,
    }));
}

/** Whether an address is one of this machine only (RFC 6890: 127.0.0.0/8 and ::1). */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

function checkPorts(listeners: readonly Listener[]): CrossProblem[] {
  const problems: CrossProblem[] = [];
  const taken = new Map<number, string>();
  for (const { portPath, port } of listeners) {
    const other = taken.get(port);
    if (other !== undefined && port !== 0) {
      problems.push({ path: portPath, comparedWith: [other], text: `${port} is also ${other}` });
    } else {
      taken.set(port, portPath);
    }
  }
  return problems;
}

/** What a TLS listener cannot be opened without. The files themselves are read when it is opened. */
function checkTls(section: string, tls: Config["http"]["tls"]): CrossProblem[] {
  if (!tls.enabled) return [];
  const problems: CrossProblem[] = [];
  const missing = (name: string, why: string, other: string): void => {
    problems.push({ path: `${section}.${name}`, comparedWith: [`${section}.${other}`], text: why });
  };
  const how = `${section}.enabled is true; tributary cert makes one for development`;
  if (tls.certFile === "") missing("certFile", `names no certificate, and ${how}`, "enabled");
  if (tls.keyFile === "") missing("keyFile", `names no private key, and ${how}`, "enabled");
  if (tls.caFile === "" && tls.clientCertificates !== "off") {
    const why = `names no CA, and ${section}.clientCertificates is ${tls.clientCertificates}: without one, every public CA would be believed`;
    missing("caFile", why, "clientCertificates");
  }
  return problems;
}
