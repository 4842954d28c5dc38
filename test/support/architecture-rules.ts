/** What the modules of one part of `src/` may import. Entries are files, or folders ending in `/`. */
export interface PartRule {
  /** Files or folders the rule is for; the first rule that fits a module holds. */
  readonly part: string;
  readonly mayImport: readonly string[];
  /** Importable as types only: such an edge is gone at run time. */
  readonly mayImportTypes?: readonly string[];
  /** Taken out of what the other two allow. */
  readonly mayNotImport?: readonly string[];
  /** Whether `node:*` may be imported. */
  readonly node: boolean;
  /** Whether packages may be imported; {@link PACKAGE_HOMES} narrows it. */
  readonly packages: boolean;
}

const TRANSPORT_NEEDS = ["bus/", "wire/", "security/", "errors.ts"];
const STRANGER_NEEDS = ["wire/", "bus/topic.ts", "errors.ts", "telemetry/histogram.ts"];

/** Ways through a proxy: what the drivers of the comparison share with the client library. */
const PROXY_TUNNELS = [
  "client/proxy.ts",
  "client/proxy-tunnel.ts",
  "client/tunnel-agent.ts",
  "client/tunnel-stream.ts",
];

const CLIENT_NEEDS = ["client/", "bus/cursor.ts", ...STRANGER_NEEDS];

/** What the client library adds on Node; the rest of it also runs in browsers. */
const NODE_CLIENT = [
  "client/node.ts",
  "client/node-fetch.ts",
  "client/node-tls.ts",
  "client/proxy-tunnel.ts",
  "client/tunnel-agent.ts",
  "client/tunnel-stream.ts",
  "client/tcp.ts",
];

/** A transport shares the files beside the folders and never imports another transport. */
function transport(name: string): PartRule {
  return {
    part: `transport/${name}/`,
    mayImport: [`transport/${name}/`, "transport/*", ...TRANSPORT_NEEDS],
    mayImportTypes: ["telemetry/"],
    node: true,
    packages: true,
  };
}

/** The allowed edges. `folder/*` means the files of a folder, without those of folders below it. */
export const PART_RULES: readonly PartRule[] = [
  { part: "errors.ts", mayImport: [], node: false, packages: false },
  { part: "main.ts", mayImport: ["cli/"], node: true, packages: false },
  { part: "bus/", mayImport: ["bus/", "errors.ts"], node: false, packages: false },
  {
    part: "wire/",
    mayImport: ["wire/", "errors.ts", "bus/topic.ts", "bus/cursor.ts"],
    mayImportTypes: ["bus/"],
    node: false,
    packages: false,
  },
  {
    part: "store/",
    mayImport: [
      "store/",
      "errors.ts",
      "bus/ports.ts",
      "bus/store-port.ts",
      "bus/session-store.ts",
      "bus/volatile-stores.ts",
      "bus/message.ts",
      "bus/topic.ts",
      "bus/topic-trie.ts",
      "bus/offset-queue.ts",
      "bus/cursor.ts",
      "bus/clock.ts",
    ],
    node: true,
    packages: true,
  },
  {
    part: "security/",
    mayImport: ["security/", "bus/", "errors.ts"],
    mayImportTypes: ["config/"],
    node: true,
    packages: true,
  },
  {
    part: "telemetry/",
    mayImport: ["telemetry/", "bus/ports.ts", "bus/store-port.ts", "bus/message.ts", "errors.ts"],
    mayImportTypes: ["bus/clock.ts"],
    node: true,
    packages: true,
  },
  { part: "config/", mayImport: ["config/"], node: true, packages: true },
  {
    part: "documents/",
    mayImport: ["documents/", "wire/", "bus/message.ts", "bus/overflow.ts", "errors.ts"],
    mayImportTypes: ["config/"],
    node: false,
    packages: false,
  },
  transport("http"),
  transport("mqtt"),
  transport("tcp"),
  transport("websocket"),
  {
    part: "transport/*",
    mayImport: ["transport/*", ...TRANSPORT_NEEDS],
    mayImportTypes: ["telemetry/"],
    node: true,
    packages: false,
  },
  ...NODE_CLIENT.map((part) => ({
    part,
    mayImport: CLIENT_NEEDS,
    mayImportTypes: ["bus/"],
    node: true,
    packages: true,
  })),
  {
    part: "client/",
    mayImport: CLIENT_NEEDS,
    mayImportTypes: ["bus/"],
    mayNotImport: NODE_CLIENT,
    node: false,
    packages: false,
  },
  {
    part: "compare/",
    mayImport: ["compare/", ...PROXY_TUNNELS, ...STRANGER_NEEDS],
    mayImportTypes: ["bus/"],
    node: true,
    packages: true,
  },
  {
    part: "simulate/",
    mayImport: ["simulate/", "client/", ...STRANGER_NEEDS],
    mayImportTypes: ["bus/"],
    node: true,
    packages: false,
  },
  {
    part: "canary/",
    mayImport: ["canary/", "compare/driver/", "telemetry/"],
    node: true,
    packages: true,
  },
  {
    part: "dashboard/page/",
    mayImport: ["dashboard/page/", "client/", "telemetry/"],
    mayNotImport: NODE_CLIENT,
    node: false,
    packages: false,
  },
  { part: "dashboard/", mayImport: ["dashboard/", "telemetry/"], node: true, packages: true },
  {
    part: "gateway.ts",
    mayImport: [
      "bus/",
      "config/",
      "documents/",
      "security/",
      "store/",
      "telemetry/",
      "transport/",
      "wire/",
      "canary/",
      "dashboard/",
      "errors.ts",
      "version.ts",
    ],
    node: true,
    packages: false,
  },
  { part: "version.ts", mayImport: [], node: true, packages: false },
  {
    part: "cli/",
    mayImport: [
      "cli/",
      "gateway.ts",
      "compare/",
      "simulate/",
      "config/",
      "client/",
      "telemetry/",
      "wire/",
      "bus/topic.ts",
      "errors.ts",
      "version.ts",
    ],
    mayImportTypes: ["bus/", "transport/transport.ts"],
    node: true,
    packages: true,
  },
];

/** Packages that only some modules may import, so that each can be replaced in one place. */
export const PACKAGE_HOMES: Readonly<Record<string, readonly string[]>> = {
  aedes: ["transport/mqtt/aedes/"],
  express: ["transport/http/"],
  ws: ["transport/websocket/", "client/node.ts", "compare/driver/"],
  lmdb: ["store/lmdb/"],
  "fs-native-extensions": ["store/lmdb/"],
  pino: ["telemetry/"],
  "prom-client": ["telemetry/"],
  commander: ["cli/"],
  "@peculiar/x509": ["cli/development-ca.ts"],
  "reflect-metadata": ["cli/development-ca.ts"],
};

/** Text that only some modules may hold, comments aside. */
export const TEXT_RULES: readonly {
  readonly name: string;
  readonly pattern: RegExp;
  readonly allowedIn: readonly string[];
}[] = [
  { name: "process.env", pattern: /\bprocess\.env\b/, allowedIn: ["main.ts"] },
  { name: "process.exit", pattern: /\bprocess\.exit\b/, allowedIn: ["main.ts"] },
  {
    name: "a default export",
    pattern: /^export\s+(default\b|\{[^}]*\bas default\b)/m,
    allowedIn: [],
  },
];
