import { checkListeners } from "./listener-checks.ts";
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
    ...checkListeners(config),
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

function checkUnbuilt({ store, log }: Config): CrossProblem[] {
  const problems: CrossProblem[] = [];
  if (log.qos0 === "disk" && store.kind === "memory") {
    problems.push({
      path: "log.qos0",
      comparedWith: ["store.kind"],
      text: "disk needs a store on disk, and store.kind is memory",
    });
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
