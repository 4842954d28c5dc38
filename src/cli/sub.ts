import { Command } from "commander";
import { addEndpointOptions, type EndpointOptions, endpointOf } from "./endpoint.ts";
import { type CliHost, EXIT } from "./host.ts";
import { describeFailure, type Incoming } from "./link.ts";
import {
  FORMAT_HELP,
  jsonFormat,
  type MessageFormat,
  parseFormat,
  payloadFormat,
  topicAndPayloadFormat,
} from "./message-format.ts";
import { parseQos } from "./pub.ts";
import { parsePositive, parseSeconds, ReadingEnd } from "./reading-end.ts";
import { warnIfInsecure } from "./tls-options.ts";

interface SubOptions extends EndpointOptions {
  readonly topic: readonly string[];
  readonly qos: 0 | 1 | 2;
  readonly count?: number;
  readonly timeout?: number;
  readonly verbose?: true;
  readonly format?: string;
  readonly json?: true;
  readonly newline: boolean;
  readonly retained: boolean;
  readonly from: string;
  readonly cursor?: string;
  readonly debug?: true;
}

/** `tributary sub`: prints what is published, by any transport. */
export function subCommand(host: CliHost): Command {
  const command = new Command("sub")
    .summary("print what is published, by any transport")
    .description("Prints messages as they come, in the manner of mosquitto_sub.")
    .requiredOption("-t, --topic <filter>", "filter to read; may be repeated", collect)
    .option("-q, --qos <0|1|2>", "highest QoS to ask for (MQTT only)", parseQos, 0)
    .option("-C, --count <n>", "end after this many messages", parsePositive)
    .option("-W, --timeout <seconds>", "end after this long", parseSeconds)
    .option("-v, --verbose", "print the topic before the payload")
    .option("-F, --format <format>", FORMAT_HELP)
    .option("--json", "print one JSON object a line")
    .option("-N, --no-newline", "do not end a message with a line end")
    .option("-R, --no-retained", "leave retained messages out")
    .option("--from <start>", "now, or earliest: begin with what is still kept", "now")
    .option("--cursor <cursor>", "resume after this position (as --json or %c printed it)");
  command.option("-d, --debug", "say on the standard error when reading has begun");
  addEndpointOptions(command, [
    "mqtt",
    "mqtt-ws",
    "websocket",
    "websocket-binary",
    "sse",
    "poll",
    "tcp",
  ]);
  return command.addHelpText("after", EXAMPLES).action(async () => {
    host.exitCode = await read(command.opts<SubOptions>(), host);
  });
}

const EXAMPLES = `
Payload bytes are written as they came. Notices (a gap, a lost connection) go to the standard error.
A start other than now needs a transport with cursors: websocket, websocket-binary, sse, poll, tcp.

Examples:
  tributary sub -t 'plant/#' -v
  tributary sub --via sse -t 'plant/+/temperature' --json
  tributary sub --via poll -t 'plant/#' --from earliest -C 10 -F '%c %t %l'

Exit codes: 0 done or nobody reads the output, 1 refused, not connected or cut off for good,
27 time out, 64 wrong command line, 130 Ctrl-C, 143 SIGTERM.`;

async function read(options: SubOptions, host: CliHost): Promise<number> {
  const complain = (text: string): void => host.err.write(`tributary sub: ${text}\n`);
  const start = options.cursor ?? options.from;
  if (start !== "now" && options.via.startsWith("mqtt")) {
    complain("MQTT has no cursors; use --via websocket, websocket-binary, sse, poll or tcp");
    return EXIT.usage;
  }
  let format: MessageFormat;
  try {
    format = formatOf(options);
  } catch (cause) {
    complain(cause instanceof Error ? cause.message : String(cause));
    return EXIT.usage;
  }
  const ending = new ReadingEnd(host, options.timeout);
  let left = options.count ?? Number.POSITIVE_INFINITY;
  const onMessage = (message: Incoming): void => {
    if (left <= 0) return;
    host.out.write(format(message));
    left -= 1;
    if (left <= 0) ending.end(EXIT.ok);
  };
  const endpoint = endpointOf(options);
  warnIfInsecure(options, host.err);
  try {
    // Loaded here: the client libraries would slow every other command down.
    const { openReader } = await import("./open-link.ts");
    const opening = openReader(
      endpoint,
      { filters: options.topic, qos: options.qos, start, wantsRetained: options.retained },
      { onMessage, onNotice: complain },
    );
    const link = await Promise.race([opening, ending.code]);
    if (typeof link === "number") return link;
    if (options.debug === true) complain(`reading ${options.topic.join(" ")} at ${endpoint.url}`);
    const cutOff = link.ended.then(() => EXIT.failed);
    const code = await Promise.race([cutOff, ending.code]);
    await link.close();
    return code;
  } catch (cause) {
    complain(describeFailure(cause, endpoint));
    return EXIT.failed;
  } finally {
    ending.release();
  }
}

function formatOf(options: SubOptions): MessageFormat {
  if (options.format !== undefined) return parseFormat(options.format, options.newline);
  if (options.json === true) return jsonFormat;
  if (options.verbose === true) return topicAndPayloadFormat(options.newline);
  return payloadFormat(options.newline);
}

function collect(filter: string, before: readonly string[] = []): readonly string[] {
  return [...before, filter];
}
