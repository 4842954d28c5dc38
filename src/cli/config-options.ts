import type { Command } from "commander";
import type { FlagValue } from "../config/assignment.ts";
import { CONFIG_FLAGS, parseSet } from "../config/flags.ts";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import type { CliHost } from "./host.ts";

/** Adds `--config`, `--set` and the flags that stand for one setting. */
export function addConfigOptions(command: Command): Command {
  command.option("--config <file>", "YAML file with the settings that differ from the defaults");
  for (const { flag, placeholder, meaning } of CONFIG_FLAGS) {
    command.option(`${flag} ${placeholder}`, meaning);
  }
  return command.option(
    "--set <path=value>",
    "any setting by its path, such as --set log.maxMessages=1000; repeatable",
    (text: string, earlier: readonly FlagValue[]) => [...earlier, parseSet(text)],
    [],
  );
}

/** The settings in effect for a command with those options. Rejects with `ConfigError`. */
export function loadFromOptions(command: Command, host: CliHost): Promise<LoadedConfig> {
  const { config, set, ...named } = command.opts<Options>();
  const flags = CONFIG_FLAGS.flatMap(({ flag, path }) => {
    const text = named[attributeName(flag)];
    return typeof text === "string" ? [{ flag, path, text }] : [];
  });
  return loadConfig({ file: config, env: host.env, flags: [...flags, ...set] });
}

interface Options {
  readonly config?: string;
  readonly set: readonly FlagValue[];
  readonly [name: string]: unknown;
}

/** The key commander keeps `--http-port` under: `httpPort`. */
function attributeName(flag: string): string {
  return flag.slice(2).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
