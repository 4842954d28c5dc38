import type { GatewayUrls } from "../contract/client.ts";
import type { SeededRandom } from "../seeded-random.ts";
import { PollReader, SseReader, TcpReader, WebSocketReader } from "./cursor-readers.ts";
import type { History, PublisherRecord } from "./history.ts";
import { publishMarker, readLogAndGaps, readRetained, startCursor } from "./log-reading.ts";
import { MqttReader } from "./mqtt-readers.ts";
import { CommandPublishChannel } from "./publish-command.ts";
import { HttpPublishChannel } from "./publish-http.ts";
import { MqttPublishChannel } from "./publish-mqtt.ts";
import { type PublishChannel, Publisher } from "./publisher.ts";
import type { FaultReader } from "./reader.ts";
import { Site } from "./site.ts";
import { within } from "./within.ts";

/** How a fleet is made up. */
export interface FleetOptions {
  /** Names clients and topics, so that runs on one directory stay apart. */
  readonly run: string;
  /** Time for what is owed once nobody is killed any more; needed only when something is lost. */
  readonly settleMs: number;
}

/** Every way in, and every way out that can be resumed, on one gateway that may die at any time. */
export class Fleet {
  readonly site = new Site();
  readonly #run: string;
  readonly #prefix: string;
  readonly #settleMs: number;
  readonly #publishers: Publisher[];
  #readers: FaultReader[] = [];
  #runs: Promise<void>[] = [];
  #acknowledged = 0;
  #awaited: { readonly count: number; readonly resolve: () => void } | null = null;
  #hadCrash = false;

  constructor(random: SeededRandom, { run, settleMs }: FleetOptions) {
    this.#run = run;
    this.#prefix = `fault/${run}`;
    this.#settleMs = settleMs;
    this.#publishers = allChannels(run).map(
      (channel) => new Publisher(channel, this.#prefix, random, () => this.#progress()),
    );
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  get filter(): string {
    return `${this.#prefix}/#`;
  }

  /** Connects the readers, waits until their subscriptions are in force, and lets publishers go. */
  async start(urls: GatewayUrls): Promise<void> {
    const cursor = await startCursor(urls);
    this.#readers = allReaders(this.filter, this.#run, cursor);
    this.site.up(urls);
    this.#runs = this.#readers.map((reader) => reader.run(this.site));
    await Promise.all(this.#readers.map((reader) => reader.ready));
    this.#runs.push(...this.#publishers.map((publisher) => publisher.run(this.site)));
  }

  /** Resolves at the moment the gateway has acknowledged `count` more messages. */
  acknowledgements(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#awaited = { count: this.#acknowledged + count, resolve };
    });
  }

  /** The gateway is about to be ended; hard, or in order. */
  down(isCrash: boolean): void {
    this.site.down();
    if (isCrash) this.#hadCrash = true;
  }

  /** Ends the load, waits for what is owed, and tells everything that happened. */
  async finish(urls: GatewayUrls): Promise<History> {
    const finished = this.#publishers.map((publisher) => publisher.finish());
    await within(this.#settleMs, Promise.all(finished));
    await this.#awaitDeliveries(urls);
    const marker = await this.#awaitMarker(urls);
    const { entries: log, gaps: logGaps } = await readLogAndGaps(urls, this.filter);
    const retained = new Map<string, string | null>();
    for (const { retainedTopic } of this.#publishers) {
      retained.set(retainedTopic, await readRetained(urls, retainedTopic));
    }
    await this.close();
    return {
      publishers: [...this.#publishers.map(({ record }) => record), marker],
      readers: this.#records(),
      log,
      logGaps,
      retained,
      hadCrash: this.#hadCrash,
    };
  }

  /** Sends everybody home; nothing is left open. */
  async close(): Promise<void> {
    this.site.close();
    for (const reader of this.#readers) reader.close();
    for (const publisher of this.#publishers) publisher.close();
    await Promise.all(this.#runs);
  }

  /** What did not come by the deadline is for the checker to report. */
  async #awaitDeliveries(urls: GatewayUrls): Promise<void> {
    const { entries: log } = await readLogAndGaps(urls, this.filter);
    const members = this.#readers.filter(({ record }) => record.kind === "group");
    const hasAll = (readers: readonly FaultReader[]) => () =>
      log.every(({ payload }) => readers.some((reader) => reader.hasSeen(payload)));
    await within(
      this.#settleMs,
      Promise.all(
        this.#readers.map((reader) => {
          return reader.until(hasAll(members.includes(reader) ? members : [reader]));
        }),
      ),
    );
  }

  /** Comes after everything else in every queue: what was to come has come by then. */
  async #awaitMarker(urls: GatewayUrls): Promise<PublisherRecord> {
    const marker = await publishMarker(urls, this.#prefix);
    const { payload } = marker.attempts[0] ?? { payload: "" };
    const single = this.#readers.filter(({ record }) => record.kind !== "group");
    const members = this.#readers.filter(({ record }) => record.kind === "group");
    await within(
      this.#settleMs,
      Promise.all([
        ...single.map((reader) => reader.until(() => reader.hasSeen(payload))),
        Promise.race(members.map((reader) => reader.until(() => reader.hasSeen(payload)))),
      ]),
    );
    return marker;
  }

  #progress(): void {
    this.#acknowledged += 1;
    if (this.#awaited === null || this.#acknowledged < this.#awaited.count) return;
    this.#awaited.resolve();
    this.#awaited = null;
  }

  /** Members of the group are one reader to the checker. */
  #records() {
    const records = this.#readers.map(({ record }) => record);
    const members = records.filter(({ kind }) => kind === "group");
    const [first] = members;
    if (first === undefined) return records;
    // Each member's first connection had no session to find.
    const events = members.flatMap((member) => member.events.slice(1));
    const group = { ...first, name: "group", events: [...first.events.slice(0, 1), ...events] };
    return [...records.filter(({ kind }) => kind !== "group"), group];
  }
}

function allChannels(run: string): PublishChannel[] {
  return [
    new MqttPublishChannel("mqtt", 1, run),
    new MqttPublishChannel("mqtt", 2, run),
    new MqttPublishChannel("mqtt-ws", 1, run),
    new HttpPublishChannel("http", run),
    new HttpPublishChannel("http-key", run),
    new HttpPublishChannel("http-bulk", run),
    new CommandPublishChannel("websocket-json", run),
    new CommandPublishChannel("websocket-binary", run),
    new CommandPublishChannel("tcp", run),
  ];
}

function allReaders(filter: string, run: string, cursor: string): FaultReader[] {
  const shared = `$share/${run}/${filter}`;
  return [
    new WebSocketReader("websocket", filter, cursor),
    new TcpReader("tcp", filter, cursor),
    new SseReader("sse", filter, cursor),
    new PollReader("poll", filter, cursor),
    new MqttReader("mqtt-qos1", "session", 1, `sub-1-${run}`, filter),
    new MqttReader("mqtt-qos2", "session", 2, `sub-2-${run}`, filter),
    new MqttReader("member-a", "group", 1, `sub-a-${run}`, shared),
    new MqttReader("member-b", "group", 1, `sub-b-${run}`, shared),
  ];
}
