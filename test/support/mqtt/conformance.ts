import { afterAll, afterEach, beforeAll, describe, test } from "vitest";
import { skipReason } from "../../conformance/statements/skips.ts";
import type { StatementVersion } from "../../conformance/statements/statement.ts";
import { requireTool, type ToolName } from "../tools.ts";
import { type BrokerName, brokersUnderTest, type RunningBroker, startBroker } from "./brokers.ts";
import type { ConnectFields, Level } from "./packets.ts";
import type { Property } from "./properties.ts";
import { RawClient } from "./raw-client.ts";

/** Long enough for any client of a test to return to its session. */
const LONG_SECONDS = 3_600;

/** The broker of one suite, seen as clients see it. Its clients are dropped after each test. */
export class ConformanceBroker {
  readonly name: BrokerName;
  readonly level: Level;
  #running: RunningBroker | null = null;
  readonly #clients: RawClient[] = [];
  #lastName = 0;

  constructor(name: BrokerName, level: Level) {
    this.name = name;
    this.level = level;
  }

  get port(): number {
    return this.#started().port;
  }

  get websocketUrl(): string {
    return this.#started().websocketUrl;
  }

  /** A name no other test uses, for client ids and topics. */
  unique(word = "t"): string {
    this.#lastName += 1;
    return `${word}${this.#lastName}`;
  }

  /** Opens a connection and sends nothing. */
  async open(level: Level = this.level): Promise<RawClient> {
    const client = await RawClient.open(this.port, level);
    this.#clients.push(client);
    return client;
  }

  /** Opens a connection and has CONNECT accepted. */
  async connected(fields: ConnectFields = {}): Promise<RawClient> {
    const client = await this.open();
    await client.connect({ clientId: this.unique("client"), ...fields });
    return client;
  }

  /** Like {@link connected}, with a subscription; a reader of what others publish. */
  async reader(filter: string, qos = 0, fields: ConnectFields = {}): Promise<RawClient> {
    const client = await this.connected(fields);
    await client.subscribe([filter, qos]);
    return client;
  }

  /** What CONNECT says to return to a session, or to begin one that is kept. */
  kept(clientId: string, properties: readonly Property[] = []): ConnectFields {
    const expiry: Property = ["sessionExpiry", LONG_SECONDS];
    const list = this.level === 5 ? [expiry, ...properties] : properties;
    return { clientId, clean: false, properties: list };
  }

  async start(): Promise<void> {
    this.#running = await startBroker(this.name);
  }

  dropClients(): void {
    for (const client of this.#clients.splice(0)) client.drop();
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
  }

  #started(): RunningBroker {
    if (this.#running === null) throw new Error("the broker has not been started");
    return this.#running;
  }
}

/**
 * Registers one test; its title begins with the statements it holds. Where a foreign program that it
 * needs is absent it is skipped, or fails with `CI=true`.
 */
export type Rule = (title: string, run: () => Promise<void>, needs?: ToolName) => void;

const LEVELS: Readonly<Record<StatementVersion, Level>> = { "3.1.1": 4, "5.0": 5 };

/**
 * Runs the rules of a version against every engine, one broker per engine and file. What an engine is
 * excused from stands in test/conformance/statements/skips.ts, with the reason, and nowhere else.
 */
export function conformance(
  version: StatementVersion,
  define: (rule: Rule, broker: ConformanceBroker) => void,
): void {
  for (const name of brokersUnderTest()) {
    const reason = skipReason(name, version, null);
    const suite = reason === null ? describe : describe.skip;
    suite(`${name}, MQTT ${version}${reason === null ? "" : ` (${reason})`}`, () => {
      const broker = new ConformanceBroker(name, LEVELS[version]);
      beforeAll(() => broker.start());
      afterEach(() => broker.dropClients());
      afterAll(() => broker.stop());
      define((title, run, needs) => {
        const excuse = skipReason(name, version, title);
        const isAbsent = needs !== undefined && requireTool(needs);
        if (excuse === null) test.skipIf(isAbsent)(title, run);
        else test.skip(`${title} (${excuse})`, run);
      }, broker);
    });
  }
}

/** Lets time pass, for statements that are about time itself. */
export function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
