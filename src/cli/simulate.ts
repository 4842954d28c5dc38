import { Command, InvalidArgumentError } from "commander";
import { buildPlant, type Device } from "../simulate/plant.ts";
import type { Reading } from "../simulate/sensor.ts";
import { type DeviceLink, Simulation, type Tally } from "../simulate/simulation.ts";
import { type Endpoint, endpointOf, VIAS, type Via } from "./endpoint.ts";
import { type CliHost, EXIT } from "./host.ts";
import { describeFailure, type PublisherLink } from "./link.ts";
import { ProgressLine } from "./progress-line.ts";
import { addTlsOptions, type TlsOptions, warnIfInsecure } from "./tls-options.ts";

interface SimulateOptions extends TlsOptions {
  readonly sensors: number;
  readonly rateFactor: number;
  readonly duration?: number;
  readonly seed: number;
  readonly root: string;
  readonly mix: readonly Via[];
  readonly host: string;
  readonly httpPort?: number;
  readonly mqttPort?: number;
  readonly tcpPort?: number;
}

const ONLINE = Buffer.from("online");
const OFFLINE = Buffer.from("offline");
const MAX_TIMER_SECONDS = 2_147_483;
const MAX_SENSORS = 10_000;

/** `tributary simulate`: a plant whose sensors publish until they are told to stop. */
export function simulateCommand(host: CliHost): Command {
  const command = new Command("simulate")
    .summary("publish as a plant full of sensors")
    .description(
      "Publishes what a plant would: numbers, JSON and binary blocks, each sensor at its own rate; retained\nstate; a status that says offline when a machine is cut off (over MQTT, by its will).",
    )
    .option("--sensors <n>", "how many sensors, six to a machine", parseSensors, 48)
    .option("--rate-factor <x>", "how much faster than a real plant", parseFactor, 1)
    .option("--duration <seconds>", "stop after this long; default: at Ctrl-C", parseFactor)
    .option("--seed <n>", "the same seed gives the same values", parseSeed, 1)
    .option("--root <topic>", "where the topics begin", "plant")
    .option(
      "--mix <list>",
      "transports the machines take turns with: mqtt, mqtt-ws, websocket, websocket-binary, http, tcp",
      parseMix,
      ["mqtt"],
    )
    .option("-h, --host <host>", "host of the gateway", "127.0.0.1")
    .option("--http-port <port>", "its HTTP and WebSocket port", parsePort)
    .option("--mqtt-port <port>", "its MQTT port", parsePort)
    .option("--tcp-port <port>", "its raw TCP port", parsePort);
  addTlsOptions(command);
  return command.addHelpText("after", EXAMPLES).action(async () => {
    host.exitCode = await simulate(command.opts<SimulateOptions>(), host);
  });
}

const EXAMPLES = `
Topics: plant/line-1/press/temperature (a number), …/pressure and …/power (JSON), …/vibration (64 signed
16-bit little-endian samples), …/counter (an integer), …/door (open or closed), …/status.

Examples:
  tributary simulate
  tributary simulate --mix mqtt,http,websocket,tcp --rate-factor 10
  tributary simulate --sensors 6 --duration 60 --seed 7
  tributary simulate -h localhost --ca certs/ca.pem --mix mqtt,websocket

Exit codes: 0 done or ended by a signal, 1 not connected or a reading was refused, 64 wrong command line.`;

async function simulate(options: SimulateOptions, host: CliHost): Promise<number> {
  const devices = buildPlant(options.root, options.sensors, options.seed);
  const simulation = new Simulation(options.rateFactor);
  const line = new ProgressLine(host.err);
  const ending = new Ending(host, options.duration);
  const links: DeviceLink[] = [];
  warnIfInsecure(options, host.err);
  let endpoint = endpointFor(options, 0);
  try {
    for (const [index, device] of devices.entries()) {
      endpoint = endpointFor(options, index);
      const link = await connectDevice(endpoint, device);
      links.push(link);
      simulation.start(device, link);
    }
    const sensors = devices.reduce((sum, device) => sum + device.sensors.length, 0);
    host.err.write(`${sensors} sensors on ${devices.length} machines publish; Ctrl-C ends them\n`);
    const ticker = setInterval(() => line.show(describe(simulation.tally, ending)), 500);
    await ending.reached;
    clearInterval(ticker);
  } catch (cause) {
    host.err.write(`tributary simulate: ${describeFailure(cause, endpoint)}\n`);
    return EXIT.failed;
  } finally {
    line.clear();
    ending.release();
    await simulation.stop();
    await Promise.allSettled(links.map((link) => link.close()));
  }
  host.out.write(`${describe(simulation.tally, ending)}\n`);
  if (simulation.tally.failed === 0) return EXIT.ok;
  host.err.write(`tributary simulate: a reading failed: ${String(simulation.lastFailure)}\n`);
  return EXIT.failed;
}

/** Connects a machine and says that it is online. */
async function connectDevice(endpoint: Endpoint, device: Device): Promise<DeviceLink> {
  const will = { topic: device.statusTopic, payload: OFFLINE };
  // Loaded here: the client libraries would slow every other command down.
  const { openPublisher } = await import("./open-link.ts");
  const link = await openPublisher(endpoint, will);
  await publishStatus(link, device, ONLINE);
  return {
    publish: (topic: string, { payload, retain, qos, contentType }: Reading) =>
      link.publish({ topic, payload, retain, qos, contentType }),
    close: async () => {
      await publishStatus(link, device, OFFLINE);
      await link.close();
    },
  };
}

function publishStatus(link: PublisherLink, device: Device, payload: Uint8Array): Promise<void> {
  return link.publish({ topic: device.statusTopic, payload, retain: true, qos: 1 });
}

function endpointFor(options: SimulateOptions, index: number): Endpoint {
  const via = options.mix[index % options.mix.length] ?? "mqtt";
  const port =
    via === "mqtt" ? options.mqttPort : via === "tcp" ? options.tcpPort : options.httpPort;
  const { mix: _, ...rest } = options;
  return endpointOf({ ...rest, via, ...(port === undefined ? {} : { port }) });
}

function describe({ published, failed, bytes }: Tally, ending: Ending): string {
  const seconds = ending.elapsedSeconds;
  const rate = Math.round(published / Math.max(seconds, 0.001));
  const failures = failed === 0 ? "" : `, ${failed} failed`;
  return `${published} readings, ${bytes} bytes, ${rate}/s, ${seconds.toFixed(0)} s${failures}`;
}

/** The end of the duration, or a signal: both are a proper end of a plant. */
class Ending {
  readonly reached: Promise<void>;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout | null;
  readonly #stopListening: () => void;

  constructor(host: CliHost, durationSeconds: number | undefined) {
    let reach: () => void = () => undefined;
    this.reached = new Promise((resolve) => {
      reach = resolve;
    });
    this.#timer = durationSeconds === undefined ? null : setTimeout(reach, durationSeconds * 1_000);
    this.#stopListening = host.onEndSignal(reach);
  }

  get elapsedSeconds(): number {
    return (performance.now() - this.#startedAt) / 1_000;
  }

  release(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#stopListening();
  }
}

function parseSensors(text: string): number {
  return wholeNumber(text, 1, MAX_SENSORS);
}

function parsePort(text: string): number {
  return wholeNumber(text, 1, 65_535);
}

function parseSeed(text: string): number {
  return wholeNumber(text, 0, 2 ** 32 - 1);
}

function wholeNumber(text: string, min: number, max: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new InvalidArgumentError(`a whole number of ${min} to ${max} is needed.`);
}

function parseFactor(text: string): number {
  const factor = Number(text);
  if (factor > 0 && factor <= MAX_TIMER_SECONDS) return factor;
  throw new InvalidArgumentError(`a number above 0 and up to ${MAX_TIMER_SECONDS} is needed.`);
}

function parseMix(text: string): readonly Via[] {
  return text.split(",").map((name) => {
    const via = VIAS.find((known) => known === name.trim());
    if (via !== undefined && via !== "sse" && via !== "poll") return via;
    throw new InvalidArgumentError(`${JSON.stringify(name)} is no transport to publish by.`);
  });
}
