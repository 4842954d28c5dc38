import { access, chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import type { DevelopmentCa, PemPair } from "./development-ca.ts";
import { type CliHost, EXIT } from "./host.ts";

interface CertOptions {
  readonly out: string;
  readonly host: readonly string[];
  readonly client: readonly string[];
  readonly days: number;
  readonly force?: true;
}

/** Names every server certificate holds: the gateway is tried on the machine it runs on first. */
const LOCAL_NAMES = ["localhost", "127.0.0.1", "::1"];

/** 13 months, the most browsers take from a CA they know; nothing here should live longer. */
const DEFAULT_DAYS = 397;
const MAX_DAYS = 3_650;

/** A key is for its owner alone. */
const KEY_MODE = 0o600;
const PUBLIC_MODE = 0o644;

/** `tributary cert`: a CA for development, and certificates signed by it. */
export function certCommand(host: CliHost): Command {
  const command = new Command("cert")
    .summary("make certificates for development")
    .description(
      "Makes a certificate authority (CA), a certificate for the gateway, and one for each --client, which\nhave a CA of their own. CAs that are in the directory already are used again. Not for production:\ntheir keys lie beside them.",
    )
    .requiredOption("--out <dir>", "directory the files go to; made when it is not there")
    .option("--host <name>", "a further name or address of the gateway; repeatable", addHost, [])
    .option("--client <name>", "also a client's certificate, in this name; repeatable", addName, [])
    .option("--days <n>", "days until the certificates expire", parseDays, DEFAULT_DAYS)
    .option("--force", "write certificates that exist anew; the CAs stay");
  return command.addHelpText("after", EXAMPLES).action(async () => {
    host.exitCode = await makeCertificates(command.opts<CertOptions>(), host);
  });
}

const EXAMPLES = `
Examples:
  tributary cert --out certs
  tributary cert --out certs --host gateway.local --host 192.168.1.10 --force
  tributary cert --out certs --client press-1

Exit codes: 0 made, 1 a file exists or cannot be written, 64 wrong command line.`;

/** A file to write, below the output directory. */
interface NewFile {
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

async function makeCertificates(options: CertOptions, host: CliHost): Promise<number> {
  const directory = resolve(options.out);
  try {
    const plan = await planOf(options, directory);
    const existing = options.force === true ? [] : await present(directory, plan.names);
    if (existing.length > 0) {
      const which = existing.map((name) => join(options.out, name)).join(", ");
      host.err.write(`tributary cert: ${which} exists; --force writes it anew\n`);
      return EXIT.failed;
    }
    const files = await makeFiles(options, directory, plan);
    await mkdir(directory, { recursive: true });
    for (const file of files) await put(directory, file);
    host.out.write(report(options, files));
    return EXIT.ok;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    host.err.write(`tributary cert: ${reason}\n`);
    return EXIT.failed;
  }
}

/**
 * The CAs. Clients' certificates have one of their own: a listener that trusted the CA of its own
 * certificate would send that CA along in every handshake, where nobody needs it (TLS libraries
 * complete what they show from what they trust), and whoever got a client's certificate from it
 * would be one mistake in its making away from passing for the gateway.
 */
const CAS = { server: "ca", client: "client-ca" } as const;

/** What is to be made. */
interface Plan {
  /** Which CAs are there. */
  readonly has: Readonly<Record<keyof typeof CAS, boolean>>;
  readonly wantsServer: boolean;
  /** Of the certificates, their keys included; the CA's own are never written over. */
  readonly names: readonly string[];
}

/** With a CA and a server's certificate there, `--client` alone adds to them. */
async function planOf(options: CertOptions, directory: string): Promise<Plan> {
  const has = {
    server: await isWhole(directory, CAS.server),
    client: await isWhole(directory, CAS.client),
  };
  const hasServer = (await present(directory, pairNames("server"))).length > 0;
  const addsClients = has.server && has.client && hasServer && options.client.length > 0;
  const wantsServer = !addsClients || options.host.length > 0;
  const names = options.client.flatMap((name) => pairNames(`client-${name}`));
  if (wantsServer) names.push(...pairNames("server"), CONFIG_NAME);
  return { has, wantsServer, names };
}

/** Whether a CA is there. Throws for half of one: making the other half would break all it signed. */
async function isWhole(directory: string, stem: string): Promise<boolean> {
  const found = await present(directory, pairNames(stem));
  if (found.length !== 1) return found.length > 0;
  throw new Error(`${directory} holds ${found[0]} and not the other half of the CA`);
}

async function makeFiles(
  options: CertOptions,
  directory: string,
  plan: Plan,
): Promise<readonly NewFile[]> {
  const now = new Date();
  const files: NewFile[] = [];
  const caOf = async (holder: keyof typeof CAS, name: string): Promise<DevelopmentCa> => {
    const ca = await findCa(directory, CAS[holder], plan.has[holder], name, now);
    if (!plan.has[holder]) files.push(...pairFiles(CAS[holder], ca.pem));
    return ca;
  };
  const serverCa = await caOf("server", "Tributary development CA");
  const clientCa = await caOf("client", "Tributary development CA of clients");
  if (plan.wantsServer) {
    const hosts = [...new Set([...options.host, ...LOCAL_NAMES])];
    const pair = await serverCa.issue({ is: "server", hosts }, now, options.days);
    files.push(...pairFiles("server", pair));
    files.push({ name: CONFIG_NAME, text: configOf(directory), mode: PUBLIC_MODE });
  }
  for (const name of options.client) {
    const pair = await clientCa.issue({ is: "client", name }, now, options.days);
    files.push(...pairFiles(`client-${name}`, pair));
  }
  return files;
}

/** The CA of these files, or a new one when there are none. */
async function findCa(
  directory: string,
  stem: string,
  isThere: boolean,
  name: string,
  now: Date,
): Promise<DevelopmentCa> {
  // Loaded here: the certificate library would slow every other command down.
  const { DevelopmentCa } = await import("./development-ca.ts");
  if (!isThere) return DevelopmentCa.create(now, name);
  const ca = await loadCa(DevelopmentCa.load, directory, stem);
  if (ca.pem.notAfter > now) return ca;
  const end = ca.pem.notAfter.toISOString().slice(0, 10);
  throw new Error(`the CA in ${stem}.pem expired on ${end}; remove it, and a new one is made`);
}

async function loadCa(
  load: (cert: string, key: string) => Promise<DevelopmentCa>,
  directory: string,
  stem: string,
): Promise<DevelopmentCa> {
  const [certName, keyName] = pairNames(stem);
  const cert = await readFile(join(directory, certName), "utf8");
  const key = await readFile(join(directory, keyName), "utf8");
  try {
    return await load(cert, key);
  } catch (cause) {
    throw new Error(`the CA in ${certName} is none that this command made`, { cause });
  }
}

function pairNames(stem: string): [cert: string, key: string] {
  return [`${stem}.pem`, `${stem}-key.pem`];
}

function pairFiles(stem: string, { cert, key }: PemPair): NewFile[] {
  const [certName, keyName] = pairNames(stem);
  return [
    { name: keyName, text: key, mode: KEY_MODE },
    { name: certName, text: cert, mode: PUBLIC_MODE },
  ];
}

async function present(directory: string, names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) {
    const isThere = await access(join(directory, name)).then(
      () => true,
      () => false,
    );
    if (isThere) found.push(name);
  }
  return found;
}

/** Puts a whole file in the place of what may be there: a gateway may read it at any moment. */
async function put(directory: string, { name, text, mode }: NewFile): Promise<void> {
  const temporary = join(directory, `.${name}.${process.pid}`);
  await writeFile(temporary, text, { mode, flag: "wx" });
  // The mode above is cut by the process's mask; one of 0600 cannot become wider by this.
  await chmod(temporary, mode);
  await rename(temporary, join(directory, name));
}

const CONFIG_NAME = "tls.yaml";

/** A config that opens the TLS listener of every transport. */
function configOf(directory: string): string {
  const [cert, key] = pairNames("server");
  const section = (transport: string): string => `${transport}:
  tls:
    enabled: true
    certFile: ${JSON.stringify(join(directory, cert))}
    keyFile: ${JSON.stringify(join(directory, key))}
    # Clients that show a certificate of this CA are who it says; require turns others away.
    caFile: ${JSON.stringify(join(directory, "client-ca.pem"))}
    clientCertificates: request
`;
  return `# TLS for every transport, beside the plain listeners. Try it with:
#   tributary serve --config ${join(directory, CONFIG_NAME)}
${["http", "mqtt", "tcp"].map(section).join("")}`;
}

function report({ out, client, days }: CertOptions, files: readonly NewFile[]): string {
  const at = (name: string): string => join(out, name);
  const written = files.map(({ name }) => `  ${at(name)}\n`).join("");
  const [name] = client;
  const asClient =
    name === undefined
      ? ""
      : `  tributary pub --ca ${at("ca.pem")} --cert ${at(`client-${name}.pem`)} --key ${at(`client-${name}-key.pem`)} -h localhost -t plant/1/temperature -m 21.5
`;
  return `Written, valid for ${days} days:
${written}
Run the gateway with them:
  tributary serve --config ${at(CONFIG_NAME)}
and then:
  curl --cacert ${at("ca.pem")} -d 21.5 https://localhost:8443/v1/topics/plant/1/temperature
  mosquitto_pub --cafile ${at("ca.pem")} -h localhost -p 8883 -t plant/1/temperature -m 21.5
  tributary pub --ca ${at("ca.pem")} -h localhost -t plant/1/temperature -m 21.5
${asClient}
Whoever has ${at("ca-key.pem")} can pass for the gateway to everyone who trusts ${at("ca.pem")},
and whoever has ${at("client-ca-key.pem")} for any client.
`;
}

function addHost(host: string, before: readonly string[]): readonly string[] {
  const isName =
    /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;
  if (isIP(host) !== 0 || (isName.test(host) && host.length <= 253)) return [...before, host];
  throw new InvalidArgumentError("a DNS name or an IP address is needed.");
}

/** It becomes a common name, of 64 characters at most (RFC 5280, ub-common-name), and a file's name. */
function addName(name: string, before: readonly string[]): readonly string[] {
  if (/^[\w@][\w.@-]{0,63}$/.test(name)) return [...before, name];
  throw new InvalidArgumentError("1 to 64 letters, digits, and . _ @ - are needed.");
}

function parseDays(text: string): number {
  const days = Number(text);
  if (Number.isInteger(days) && days >= 1 && days <= MAX_DAYS) return days;
  throw new InvalidArgumentError(`a whole number of 1 to ${MAX_DAYS} is needed.`);
}
