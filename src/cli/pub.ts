import { readFile } from "node:fs/promises";
import { Command, InvalidArgumentError } from "commander";
import { LineSplitter } from "../wire/line.ts";
import { addEndpointOptions, type EndpointOptions, endpointOf } from "./endpoint.ts";
import { type CliHost, EXIT } from "./host.ts";
import { describeFailure, type PublisherLink } from "./link.ts";
import { warnIfInsecure } from "./tls-options.ts";

interface PubOptions extends EndpointOptions {
  readonly topic: string;
  readonly message?: string;
  readonly file?: string;
  readonly lines?: true;
  readonly stdin?: true;
  readonly nullMessage?: true;
  readonly retain?: true;
  readonly qos: 0 | 1 | 2;
  readonly contentType?: string;
  readonly userProperty: readonly (readonly [string, string])[];
}

/** Lines under way at a time: enough to keep a connection busy, few enough to hold in memory. */
const LINES_IN_FLIGHT = 64;
const MAX_LINE_BYTES = 16 * 1_048_576;

/** `tributary pub`: publishes one message or many, by any transport. */
export function pubCommand(host: CliHost): Command {
  const command = new Command("pub")
    .summary("publish, by any transport")
    .description("Publishes messages, in the manner of mosquitto_pub, by the transport you choose.")
    .requiredOption("-t, --topic <topic>", "topic to publish to")
    .option("-m, --message <text>", "publish this text")
    .option("-f, --file <file>", "publish the bytes of a file")
    .option("-l, --lines", "publish each line of the standard input")
    .option("-s, --stdin", "publish the whole standard input as one message")
    .option("-n, --null-message", "publish an empty payload (with -r: clear what is retained)")
    .option("-r, --retain", "keep it as the topic's retained message")
    .option("-q, --qos <0|1|2>", "0 unanswered, 1 acknowledged, 2 once (MQTT only)", parseQos, 0)
    .option("--content-type <type>", "media type of the payload (not over MQTT 3.1.1)")
    .option(
      "--user-property <name=value>",
      "a fact of your own about the message (not over MQTT 3.1.1); repeatable",
      addProperty,
      [],
    );
  addEndpointOptions(command, ["mqtt", "mqtt-ws", "websocket", "websocket-binary", "http", "tcp"]);
  return command.addHelpText("after", EXAMPLES).action(async () => {
    host.exitCode = await publish(command.opts<PubOptions>(), host);
  });
}

const EXAMPLES = `
Over HTTP every message is acknowledged; -q says nothing there.

Examples:
  tributary pub -t plant/1/temperature -m 21.5
  tributary pub --via http -t plant/1/door -m open -r
  tributary pub --via http -t plant/1/door -m open --user-property trace=1
  tail -f app.log | tributary pub --via websocket -q 1 -t logs/app -l

Exit codes: 0 published, 1 refused or not connected, 64 wrong command line.`;

async function publish(options: PubOptions, host: CliHost): Promise<number> {
  const sources = [
    options.message,
    options.file,
    options.lines,
    options.stdin,
    options.nullMessage,
  ].filter((source) => source !== undefined);
  if (sources.length !== 1) {
    host.err.write("tributary pub: give exactly one of -m, -f, -l, -s and -n\n");
    return EXIT.usage;
  }
  if (options.userProperty.length > 0 && options.via.startsWith("mqtt")) {
    host.err.write(
      "tributary pub: MQTT 3.1.1 has no user properties; use --via http, websocket, websocket-binary or tcp\n",
    );
    return EXIT.usage;
  }
  const endpoint = endpointOf(options);
  warnIfInsecure(options, host.err);
  try {
    // Loaded here: the client libraries would slow every other command down.
    const { openPublisher } = await import("./open-link.ts");
    const link = await openPublisher(endpoint);
    await sendAll(link, options, payloads(options, host));
    await link.close();
    return EXIT.ok;
  } catch (cause) {
    host.err.write(`tributary pub: ${describeFailure(cause, endpoint)}\n`);
    return EXIT.failed;
  }
}

/** Sends in order with a bounded number unanswered; throws the first refusal. */
async function sendAll(
  link: PublisherLink,
  options: PubOptions,
  source: AsyncIterable<Uint8Array>,
): Promise<void> {
  const { topic, qos, retain = false, contentType, userProperty } = options;
  const inFlight: Promise<void>[] = [];
  for await (const payload of source) {
    if (inFlight.length >= LINES_IN_FLIGHT) await inFlight.shift();
    const sent = link.publish({
      topic,
      payload,
      qos,
      retain,
      ...(contentType === undefined ? {} : { contentType }),
      ...(userProperty.length === 0 ? {} : { userProperties: userProperty }),
    });
    // Awaited in its turn; until then a refusal must not pass for one that nobody handles.
    sent.catch(() => undefined);
    inFlight.push(sent);
  }
  await Promise.all(inFlight);
}

async function* payloads(options: PubOptions, host: CliHost): AsyncGenerator<Uint8Array> {
  if (options.message !== undefined) yield Buffer.from(options.message);
  else if (options.file !== undefined) yield await readFile(options.file);
  else if (options.nullMessage === true) yield new Uint8Array();
  else if (options.stdin === true) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of host.input) chunks.push(chunk);
    yield Buffer.concat(chunks);
  } else yield* lines(host.input);
}

async function* lines(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const splitter = new LineSplitter(MAX_LINE_BYTES);
  const found: Uint8Array[] = [];
  const take = (line: string): void => void found.push(Buffer.from(line));
  for await (const chunk of input) {
    splitter.push(chunk, take);
    yield* found.splice(0);
  }
  splitter.end(take);
  yield* found;
}

/** Reads `-q`. */
export function parseQos(text: string): 0 | 1 | 2 {
  if (text === "0") return 0;
  if (text === "1") return 1;
  if (text === "2") return 2;
  throw new InvalidArgumentError("QoS is 0, 1 or 2.");
}

/** The value may be empty and may hold further equals signs. */
function addProperty(
  text: string,
  before: readonly (readonly [string, string])[],
): readonly (readonly [string, string])[] {
  const end = text.indexOf("=");
  if (end > 0) return [...before, [text.slice(0, end), text.slice(end + 1)]];
  throw new InvalidArgumentError("a name, an equals sign and a value are needed.");
}
