import { Command } from "commander";
import { addEndpointOptions, type EndpointOptions, endpointOf } from "./endpoint.ts";
import { type CliHost, EXIT } from "./host.ts";
import { describeFailure, type Incoming } from "./link.ts";
import { parsePositive, parseSeconds, ReadingEnd } from "./reading-end.ts";
import { describeTrace, traceLine, traceRecord } from "./trace-format.ts";

interface TraceOptions extends EndpointOptions {
  readonly count?: number;
  readonly timeout?: number;
  readonly json?: true;
}

/** `tributary trace`: prints how long messages took in each stage, as they flow. */
export function traceCommand(host: CliHost): Command {
  const command = new Command("trace")
    .summary("print how long messages take, stage by stage")
    .description(
      "Prints one line for each message that was published with the user property trace=1.",
    )
    .argument("<filter>", "topics to watch")
    .option("-C, --count <n>", "end after this many traced messages", parsePositive)
    .option("-W, --timeout <seconds>", "end after this long", parseSeconds)
    .option("--json", "print one JSON object a line");
  addEndpointOptions(command, ["websocket", "websocket-binary", "sse", "poll", "tcp"]);
  return command.addHelpText("after", EXAMPLES).action(async (filter: string) => {
    host.exitCode = await trace(filter, command.opts<TraceOptions>(), host);
  });
}

const EXAMPLES = `
Stages, in milliseconds:
  ingress  from the publisher's bytes having been read to the message having its offset
  bus      until it was encoded for the first reader of this transport
  egress   until this command had it; compares two clocks, so it holds on the gateway's machine only

Examples:
  tributary trace 'plant/#'
  tributary trace --via sse 'plant/#' --json
  curl -H 'Tributary-User-Property: trace=1' -d 21.5 http://127.0.0.1:8080/v1/topics/plant/1/temperature
  {"type":"publish","topic":"plant/1","payload":"21.5","userProperties":[["trace","1"]]}

Exit codes: 0 done or nobody reads the output, 1 refused, not connected or cut off for good,
27 time out, 64 wrong command line, 130 Ctrl-C, 143 SIGTERM.`;

async function trace(filter: string, options: TraceOptions, host: CliHost): Promise<number> {
  const complain = (text: string): void => host.err.write(`tributary trace: ${text}\n`);
  const endpoint = endpointOf(options);
  const ending = new ReadingEnd(host, options.timeout);
  let left = options.count ?? Number.POSITIVE_INFINITY;
  const onMessage = (message: Incoming): void => {
    const arrivedAt = performance.timeOrigin + performance.now();
    const traced = describeTrace(message, endpoint.via, arrivedAt);
    if (traced === null || left <= 0) return;
    host.out.write(
      options.json === true ? `${JSON.stringify(traceRecord(traced))}\n` : traceLine(traced),
    );
    left -= 1;
    if (left <= 0) ending.end(EXIT.ok);
  };
  try {
    // Loaded here: the client libraries would slow every other command down.
    const { openReader } = await import("./open-link.ts");
    const opening = openReader(
      endpoint,
      { filters: [filter], qos: 0, start: "now", wantsRetained: false },
      { onMessage, onNotice: complain },
    );
    const link = await Promise.race([opening, ending.code]);
    if (typeof link === "number") return link;
    complain(`waiting for messages with trace=1 on ${filter} at ${endpoint.url}`);
    const code = await Promise.race([link.ended.then(() => EXIT.failed), ending.code]);
    await link.close();
    return code;
  } catch (cause) {
    complain(describeFailure(cause, endpoint));
    return EXIT.failed;
  } finally {
    ending.release();
  }
}
