import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A foreign client or server that some tests need, and the Debian package it comes in. */
const TOOLS = {
  chromium: { debian: "chromium", isPresent: () => isOnPath("chromium") },
  curl: { debian: "curl", isPresent: () => isOnPath("curl") },
  nc: { debian: "netcat-openbsd", isPresent: () => isOnPath("nc") },
  mosquitto: { debian: "mosquitto", isPresent: () => isOnPath("mosquitto") },
  mosquitto_pub: { debian: "mosquitto-clients", isPresent: () => isOnPath("mosquitto_pub") },
  openssl: { debian: "openssl", isPresent: () => isOnPath("openssl") },
  mosquitto_sub: { debian: "mosquitto-clients", isPresent: () => isOnPath("mosquitto_sub") },
  prometheus: { debian: "prometheus", isPresent: () => isOnPath("prometheus") },
  promtool: { debian: "prometheus", isPresent: () => isOnPath("promtool") },
  strace: { debian: "strace", isPresent: () => isOnPath("strace") },
  faketime: { debian: "faketime", isPresent: () => isOnPath("faketime") },
  // Who may not capture has as good as none.
  tshark: { debian: "tshark", isPresent: () => isOnPath("tshark") && process.getuid?.() === 0 },
  "systemd-analyze": { debian: "systemd", isPresent: () => isOnPath("systemd-analyze") },
  "python3-paho-mqtt": {
    debian: "python3-paho-mqtt",
    isPresent: () => canImport("paho.mqtt.client"),
  },
  "python3-websockets": { debian: "python3-websockets", isPresent: () => canImport("websockets") },
} as const;

/** Name of a foreign tool. */
export type ToolName = keyof typeof TOOLS;

/**
 * Whether a test that needs the tool has to be skipped: `test.skipIf(requireTool("curl"))(…)`. On a
 * developer's machine an absent tool skips, with a line that names it; with `CI=true` it throws, so
 * that a test that was meant to run cannot quietly not run.
 */
export function requireTool(name: ToolName): boolean {
  const isAbsent = isMissing(name, TOOLS[name].isPresent(), process.env.CI === "true");
  if (isAbsent)
    process.stderr.write(`skipping tests: ${absence(name)}
`);
  return isAbsent;
}

/** The rule of {@link requireTool}, apart from the machine it runs on. */
export function isMissing(name: ToolName, isPresent: boolean, isCi: boolean): boolean {
  if (!isPresent && isCi) throw new Error(absence(name));
  return !isPresent;
}

function absence(name: ToolName): string {
  return `${name} is absent; it is in the Debian package ${TOOLS[name].debian}`;
}

/** Debian installs servers in /usr/sbin, which is not on every user's path. */
function isOnPath(program: string): boolean {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.some((folder) => folder !== "" && existsSync(join(folder, program)));
}

/** Debian's own Python: its packages are not seen by one installed beside it. */
function canImport(module: string): boolean {
  return (
    spawnSync("/usr/bin/python3", ["-c", `import ${module}`], { stdio: "ignore" }).status === 0
  );
}
