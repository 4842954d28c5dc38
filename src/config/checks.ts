import type { Config } from "./schema.ts";

/** Settings that are right one by one and wrong together. */
export interface CrossProblem {
  /** The setting to change. */
  readonly path: string;
  /** The others it was compared with. */
  readonly comparedWith: readonly string[];
  readonly text: string;
}

/** Everything that is wrong between settings, or not built yet. */
export function crossCheck(config: Config): CrossProblem[] {
  return [
    ...checkOrder(config),
    ...checkUnbuilt(config),
    ...checkExposure(config),
    ...checkPorts(config),
    ...checkPaths(config),
  ];
}

function checkOrder({ http }: Config): CrossProblem[] {
  const pairs = [
    [
      "http.poll.defaultHoldMs",
      http.poll.defaultHoldMs,
      "http.poll.maxHoldMs",
      http.poll.maxHoldMs,
    ],
    [
      "http.poll.defaultMessages",
      http.poll.defaultMessages,
      "http.poll.maxMessages",
      http.poll.maxMessages,
    ],
    [
      "http.headersTimeoutMs",
      http.headersTimeoutMs,
      "http.requestTimeoutMs",
      http.requestTimeoutMs,
    ],
  ] as const;
  return pairs
    .filter(([, lower, , upper]) => lower > upper)
    .map(([path, lower, other, upper]) => ({
      path,
      comparedWith: [other],
      text: `${lower} is over ${other}, which is ${upper}`,
    }));
}

function checkUnbuilt({ mqtt, store, log }: Config): CrossProblem[] {
  const problems: CrossProblem[] = [];
  if (mqtt.engine === "native") {
    problems.push({
      path: "mqtt.engine",
      comparedWith: [],
      text: "native does not exist in this version; use aedes",
    });
  }
  if (store.kind === "lmdb") {
    problems.push({
      path: "store.kind",
      comparedWith: [],
      text: "lmdb, the disk store, does not exist in this version; use memory",
    });
  }
  if (log.qos0 === "disk" && store.kind === "memory") {
    problems.push({
      path: "log.qos0",
      comparedWith: ["store.kind"],
      text: "disk needs a store on disk, and store.kind is memory",
    });
  }
  return problems;
}

function checkExposure({ http, tcp, mqtt, security }: Config): CrossProblem[] {
  if (security.allowAnonymous) return [];
  const listeners = [
    ["http.host", http.host],
    ["mqtt.host", mqtt.host],
    ...(tcp.enabled ? [["tcp.host", tcp.host] as const] : []),
  ] as const;
  return listeners
    .filter(([, host]) => !isLoopback(host))
    .map(([path, host]) => ({
      path,
      comparedWith: ["security.allowAnonymous"],
      text: `${host} can be reached from other machines and clients have no identity; set security.allowAnonymous: true to let anyone in`,
    }));
}

/** Whether an address is one of this machine only (RFC 6890: 127.0.0.0/8 and ::1). */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

function checkPorts({ http, tcp, mqtt }: Config): CrossProblem[] {
  const listeners = [
    ["http.port", http.port],
    ["mqtt.port", mqtt.port],
    ...(tcp.enabled ? [["tcp.port", tcp.port] as const] : []),
  ] as const;
  const problems: CrossProblem[] = [];
  const taken = new Map<number, string>();
  for (const [path, port] of listeners) {
    const other = taken.get(port);
    if (other !== undefined && port !== 0) {
      problems.push({ path, comparedWith: [other], text: `${port} is also ${other}` });
    } else {
      taken.set(port, path);
    }
  }
  return problems;
}

/** Paths the HTTP transport answers itself. */
const TAKEN_PATHS = [
  "/",
  "/v1",
  "/metrics",
  "/healthz",
  "/readyz",
  "/openapi.json",
  "/asyncapi.json",
];

function checkPaths({ websocket, mqtt }: Config): CrossProblem[] {
  const problems: CrossProblem[] = [];
  const paths = [
    ["websocket.path", websocket.path],
    ["mqtt.websocketPath", mqtt.websocketPath],
  ] as const;
  for (const [path, value] of paths) {
    if (!TAKEN_PATHS.includes(value) && !value.startsWith("/v1/")) continue;
    problems.push({ path, comparedWith: [], text: `${value} is taken by the HTTP transport` });
  }
  if (websocket.path === mqtt.websocketPath) {
    problems.push({
      path: "mqtt.websocketPath",
      comparedWith: ["websocket.path"],
      text: `${mqtt.websocketPath} is also websocket.path`,
    });
  }
  return problems;
}
