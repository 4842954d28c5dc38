import { Command } from "commander";
import { isReserved, parseTopic, type TopicLimits } from "../bus/topic.ts";
import { ConfigError } from "../config/problem.ts";
import { describe, renderDefaults, renderYaml } from "../config/render.ts";
import { listSettings } from "../config/settings.ts";
import { GatewayError } from "../errors.ts";
import { addConfigOptions, loadFromOptions } from "./config-options.ts";
import type { CliHost } from "./host.ts";

interface Options {
  readonly explain?: readonly string[];
  readonly annotate?: boolean;
  readonly defaults?: boolean;
}

/** `tributary check-config`: prints the settings in effect, or everything that is wrong with them. */
export function checkConfigCommand(host: CliHost): Command {
  const command = new Command("check-config")
    .summary("print the settings in effect, or every problem with them")
    .description(
      "Prints the settings in effect as YAML, with where each one that is not at its default comes from.\nWith problems: lists all of them and exits 78.",
    )
    .option("--explain <words...>", "USER TOPIC: say what access control allows that user there")
    .option("--annotate", "also print each setting's meaning, bounds and environment variable")
    .option("--defaults", "print the defaults, annotated, and read nothing")
    .addHelpText(
      "after",
      `
Examples:
  tributary check-config --config site.yaml
  TRIBUTARY_HTTP_PORT=9000 tributary check-config
  tributary check-config --explain alice plant/1/temperature`,
    );
  addConfigOptions(command);
  return command.action(async () => {
    const options = command.opts<Options>();
    if (options.defaults === true) {
      host.out.write(renderDefaults(listSettings()));
      return;
    }
    const { config, values, origins } = await loadFromOptions(command, host);
    if (options.explain !== undefined) {
      host.out.write(explain(options.explain, config.limits));
      return;
    }
    const yaml = renderYaml(listSettings(), values, {
      commentsOf: (setting) => (options.annotate === true ? describe(setting) : []),
      remarkOf: ({ path }) => {
        const origin = origins.get(path);
        return origin === undefined ? null : `from ${origin}`;
      },
    });
    host.out.write(yaml);
  });
}

/** What access control says about one user and one topic. */
function explain(words: readonly string[], limits: TopicLimits): string {
  const [user, topic, ...rest] = words;
  if (user === undefined || topic === undefined || rest.length > 0) {
    throw new ConfigError([
      { path: "--explain", source: null, text: "takes two words, USER and TOPIC" },
    ]);
  }
  try {
    parseTopic(topic, limits);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw new ConfigError([{ path: "--explain", source: null, text: error.message }]);
  }
  const name = JSON.stringify(user);
  const publish = isReserved(topic)
    ? `${name} may not publish to ${topic}: topics that start with $ are the gateway's own`
    : `${name} may publish to ${topic}`;
  return `${publish}
${name} may subscribe to ${topic}
Access control allows everyone everything else in this version.
`;
}
