import type { FlagValue } from "./assignment.ts";

/** A flag that stands for one setting. */
export interface ConfigFlag {
  readonly flag: string;
  readonly placeholder: string;
  readonly path: string;
  readonly meaning: string;
}

/** The settings that are changed most have a flag of their own. */
export const CONFIG_FLAGS: readonly ConfigFlag[] = [
  {
    flag: "--http-port",
    placeholder: "<n>",
    path: "http.port",
    meaning: "port of HTTP and WebSocket",
  },
  { flag: "--mqtt-port", placeholder: "<n>", path: "mqtt.port", meaning: "port of MQTT over TCP" },
  { flag: "--tcp-port", placeholder: "<n>", path: "tcp.port", meaning: "port of raw TCP" },
  {
    flag: "--data-dir",
    placeholder: "<dir>",
    path: "store.dataDir",
    meaning: "directory of the disk store",
  },
  { flag: "--store", placeholder: "<kind>", path: "store.kind", meaning: "memory or lmdb" },
  {
    flag: "--mqtt-engine",
    placeholder: "<name>",
    path: "mqtt.engine",
    meaning: "aedes or native",
  },
];

/** `path=value` as given to `--set`; text without `=` names a setting that does not exist. */
export function parseSet(text: string): FlagValue {
  const equals = text.indexOf("=");
  return equals < 0
    ? { flag: "--set", path: text, text: "" }
    : { flag: "--set", path: text.slice(0, equals), text: text.slice(equals + 1) };
}
