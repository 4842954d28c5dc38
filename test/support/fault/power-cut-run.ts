import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GatewayProcess } from "../gateway-process.ts";
import { SeededRandom } from "../seeded-random.ts";
import { type AcknowledgedAt, findAcknowledgements } from "./acknowledgement-trace.ts";
import { ROOMY_SETTINGS } from "./campaign.ts";
import { findViolations } from "./delivery-checker.ts";
import { type DiskRecording, readRecording, TRACED_CALLS } from "./disk-recording.ts";
import type { PublisherRecord, Violation } from "./history.ts";
import { publishMarker, readLogAndGaps, readRetained } from "./log-reading.ts";
import { MqttReader } from "./mqtt-readers.ts";
import { buildImage, type PowerCut } from "./power-cut.ts";
import { CommandPublishChannel } from "./publish-command.ts";
import { HttpPublishChannel } from "./publish-http.ts";
import { MqttPublishChannel } from "./publish-mqtt.ts";
import { Publisher } from "./publisher.ts";
import { Site } from "./site.ts";
import { within } from "./within.ts";

const RUN = "power";
const PREFIX = `fault/${RUN}`;
const FILTER = `${PREFIX}/#`;
const DEADLINE_MS = 30_000;

/** A gateway's whole life as its disk and its clients saw it. */
export interface TracedRun {
  readonly recording: DiskRecording;
  readonly acknowledged: readonly AcknowledgedAt[];
  readonly publishers: readonly PublisherRecord[];
  readonly retainedTopics: readonly string[];
}

/** Loads a gateway under strace until it has acknowledged this many messages, and ends it hard. */
export async function traceRun(seed: number, messages: number, main?: string): Promise<TracedRun> {
  const folder = await mkdtemp(join(tmpdir(), "tributary-trace-"));
  const [dataDir, trace] = [join(folder, "data"), join(folder, "trace")];
  const filters = ["-e", "signal=none", "-e", `trace=${TRACED_CALLS}`];
  const wrap = ["strace", "-D", "-f", "-ttt", "-yy", "-s", "67108864", ...filters, "-o", trace];
  const gateway = GatewayProcess.spawn(ROOMY_SETTINGS, ["--store", "lmdb", "--data-dir", dataDir], {
    wrap,
    ...(main === undefined ? {} : { main }),
  });
  try {
    await gateway.awaitReady();
    await leaveSessions(gateway);
    const publishers = await load(gateway, seed, messages);
    const ports = { mqtt: gateway.port("mqtt") };
    await gateway.closed;
    const recording = readRecording(await readFile(trace, "latin1"), join(dataDir, "data.mdb"));
    const records = publishers.map(({ record }) => record);
    const acknowledged = findAcknowledgements(recording.sockets, ports.mqtt, records);
    const retainedTopics = publishers.map(({ retainedTopic }) => retainedTopic);
    return { recording, acknowledged, publishers: records, retainedTopics };
  } finally {
    await gateway.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Publishes until so much is acknowledged; the gateway is dead when it resolves. */
async function load(gateway: GatewayProcess, seed: number, messages: number) {
  const random = new SeededRandom(seed);
  const site = new Site();
  let acknowledged = 0;
  let isEnough: () => void = () => undefined;
  const enough = new Promise<void>((resolve) => {
    isEnough = resolve;
  });
  const channels = [
    new MqttPublishChannel("mqtt", 1, RUN),
    new MqttPublishChannel("mqtt", 2, RUN),
    new HttpPublishChannel("http-key", RUN),
    new HttpPublishChannel("http-bulk", RUN),
    new CommandPublishChannel("websocket-json", RUN),
    new CommandPublishChannel("tcp", RUN),
  ];
  const publishers = channels.map((channel) => {
    return new Publisher(channel, PREFIX, random, () => {
      acknowledged += 1;
      if (acknowledged === messages) isEnough();
    });
  });
  site.up(gateway.urls);
  const runs = publishers.map((publisher) => publisher.run(site));
  const isInTime = await within(DEADLINE_MS, enough);
  await gateway.stop();
  site.close();
  for (const publisher of publishers) publisher.close();
  await Promise.all(runs);
  if (!isInTime) throw new Error(`only ${acknowledged} of ${messages} messages were acknowledged`);
  return publishers;
}

function awayReaders(): MqttReader[] {
  return ([1, 2] as const).map(
    (qos) => new MqttReader(`away-qos${qos}`, "session", qos, `away-${qos}`, FILTER),
  );
}

/** Two clients subscribe and go: everything that follows is to wait for them. */
async function leaveSessions(gateway: GatewayProcess): Promise<void> {
  const site = new Site();
  site.up(gateway.urls);
  const readers = awayReaders();
  const runs = readers.map((reader) => reader.run(site));
  await Promise.all(readers.map((reader) => reader.ready));
  site.close();
  for (const reader of readers) reader.close();
  await Promise.all(runs);
}

/** Starts a gateway from what a power cut left, and judges what it has of what was acknowledged. */
export async function judgeImage(
  run: TracedRun,
  cut: PowerCut,
  seed: number,
): Promise<readonly Violation[]> {
  const dataDir = await mkdtemp(join(tmpdir(), "tributary-image-"));
  await mkdir(dataDir, { recursive: true });
  const image = buildImage(run.recording, cut, new SeededRandom(seed));
  await writeFile(join(dataDir, "data.mdb"), image);
  const options = ["--store", "lmdb", "--data-dir", dataDir];
  const gateway = GatewayProcess.spawn(ROOMY_SETTINGS, options);
  try {
    await gateway.awaitReady();
    return await judge(gateway, run, cut);
  } finally {
    await gateway.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function judge(
  gateway: GatewayProcess,
  run: TracedRun,
  cut: PowerCut,
): Promise<readonly Violation[]> {
  const { urls } = gateway;
  const retained = new Map<string, string | null>();
  for (const topic of run.retainedTopics) retained.set(topic, await readRetained(urls, topic));
  const readers = awayReaders();
  // Their first connection was before the cut: a session that is gone now was forgotten.
  for (const { record } of readers) record.events.push({ is: "connected", sessionPresent: false });
  const site = new Site();
  site.up(urls);
  const runs = readers.map((reader) => reader.run(site));
  await within(DEADLINE_MS, Promise.all(readers.map((reader) => reader.ready)));
  const marker = await publishMarker(urls, PREFIX);
  const { payload } = marker.attempts[0] ?? { payload: "" };
  const ends = readers.map((reader) => reader.until(() => reader.hasSeen(payload)));
  await within(DEADLINE_MS, Promise.all(ends));
  const { entries: log, gaps: logGaps } = await readLogAndGaps(urls, FILTER);
  site.close();
  for (const reader of readers) reader.close();
  await Promise.all(runs);
  return findViolations({
    publishers: [...acknowledgedBy(run, cut.at), marker],
    readers: readers.map(({ record }) => record),
    log,
    logGaps,
    retained,
    hadCrash: true,
  });
}

/** The publishers, with the acknowledgements that had left before the cut. */
function acknowledgedBy({ publishers, acknowledged }: TracedRun, at: number): PublisherRecord[] {
  const early = new Set(acknowledged.filter((each) => each.at <= at).map(({ payload }) => payload));
  return publishers.map((publisher) => ({
    ...publisher,
    acknowledgements: publisher.acknowledgements.filter(({ payload }) => early.has(payload)),
  }));
}
