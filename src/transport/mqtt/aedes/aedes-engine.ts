import { Aedes, type AedesOptions, type Client, type Subscription } from "aedes";
import type { QoS } from "../../../bus/message.ts";
import { parseFilter, type TopicFilter } from "../../../bus/topic.ts";
import { type ErrorCode, GatewayError, toGatewayError } from "../../../errors.ts";
import type { Credentials } from "../../../security/authenticator.ts";
import { RateLimit } from "../../../security/rate-limit.ts";
import type { TransportContext } from "../../transport.ts";
import type { ConnectPacket } from "../connect-packet.ts";
import type { EngineSide, MqttEngine } from "../engine.ts";
import { EncoderV3 } from "../encoder-v3.ts";
import { LivePublishes } from "../live-publishes.ts";
import type { MqttConnection } from "../mqtt-connection.ts";
import type { MqttSession } from "../mqtt-session.ts";
import type { MqttOptions } from "../options.ts";
import { CONNACK, PACKET } from "../packet-type.ts";
import { SessionTable } from "../session-table.ts";
import { SharedMessage } from "../shared-message.ts";
import { parseSharedName } from "../shared-subscription.ts";
import { AedesLink } from "./aedes-link.ts";
import { AedesStream } from "./aedes-stream.ts";
import { BusMq } from "./bus-mq.ts";
import { PacketIntake } from "./packet-intake.ts";
import { type Done, PublishAcceptance } from "./publish-acceptance.ts";
import { SessionPersistence } from "./session-persistence.ts";
import { checkUnsubscribe, REFUSED, rewriteSubscribe, STAND_IN } from "./subscribe-rewriting.ts";

/**
 * Milliseconds between aedes' heartbeats, which nobody hears. It sets a second timer at four times
 * the interval (aedes.js `listen`), and a timer over 2^31 − 1 would fire at once.
 */
const HEARTBEAT_MS = Math.floor((2 ** 31 - 1) / 4);

/** Return code with which SUBACK refuses a filter (MQTT 3.1.1 §3.9.3). */
const SUBACK_FAILURE = 128;

/** MQTT 3.1 and 3.1.1 by aedes, with the bus for its messages and our sessions for its store. */
export class AedesEngine implements MqttEngine {
  readonly #context: TransportContext;
  readonly #options: MqttOptions;
  readonly #sessions: SessionTable;
  readonly #acceptance: PublishAcceptance;
  readonly #encoder: EncoderV3;
  /** Filters of the SUBSCRIBE at hand that will be added once it is answered, by session. */
  readonly #granting = new WeakMap<MqttSession, Set<string>>();
  #broker: Aedes | null = null;
  #isDraining = false;

  constructor(context: TransportContext, options: MqttOptions) {
    const { bus, observer, logger, limits } = context;
    this.#context = context;
    this.#options = options;
    this.#acceptance = new PublishAcceptance(bus, limits, options.maxQueuedMessages);
    const shared = new SharedMessage(bus);
    const publishes = new LivePublishes();
    this.#encoder = new EncoderV3(publishes);
    this.#sessions = new SessionTable(
      { bus, observer, logger, shared, publishes, limits: options },
      options,
      context.clock,
    );
  }

  async start(): Promise<void> {
    const broker = await Aedes.createBroker(this.#brokerOptions());
    this.#sessions.start();
    this.#broker = broker;
    // The clamp to 100 protects a matcher that is not in use here.
    Object.assign(broker, { maxTopicLevels: Number.POSITIVE_INFINITY });
    broker.on("client", (client) => this.#registered(broker, client));
    broker.on("clientReady", (client) => guard(linkOf(client), (link) => link.ready()));
    broker.on("subscribe", (granted, client) =>
      guard(linkOf(client), (link) => this.#subscribed(link, granted)),
    );
    broker.on("unsubscribe", (filters, client) =>
      guard(linkOf(client), (link) => this.#unsubscribed(link, filters)),
    );
    const noteError = (client: Client, error: Error) => this.#failed(client, error);
    broker.on("clientError", noteError);
    broker.on("connectionError", noteError);
  }

  accept(connection: MqttConnection): EngineSide {
    const { logger, limits } = this.#context;
    return new PacketIntake(connection, {
      limits: { ...limits, ...this.#options },
      begin: (connect) => this.#begin(connection, connect),
      refused: (reason) => logger.debug("mqtt connect refused", { reason }),
    });
  }

  #begin(connection: MqttConnection, connect: ConnectPacket): AedesLink {
    const rate = new RateLimit(this.#context.limits.maxPublishesPerSecond);
    const link = new AedesLink(connection, connect, rate, {
      sessions: this.#sessions,
      encoder: this.#encoder,
      prepare: (packet) => this.#prepare(packet),
    });
    links.set(link.stream, link);
    this.#broker?.handle(link.stream);
    return link;
  }

  drain(): void {
    this.#isDraining = true;
    this.#sessions.drain();
  }

  async stop(): Promise<void> {
    this.drain();
    const broker = this.#broker;
    this.#broker = null;
    this.#sessions.stop();
    if (broker !== null) await new Promise<void>((resolve) => broker.close(resolve));
  }

  #brokerOptions(): AedesOptions {
    return {
      mq: new BusMq(),
      persistence: new SessionPersistence({
        linkOf,
        hasPersistent: (clientId) => this.#sessions.hasPersistent(clientId),
      }),
      heartbeatInterval: HEARTBEAT_MS,
      connectTimeout: this.#options.connectTimeoutMs,
      // Our stream takes everything at once, so that there is nothing to wait for.
      drainTimeout: 0,
      // Checked with CONNECT, and with every PUBLISH of QoS 2.
      maxClientsIdLength: this.#options.maxClientIdBytes,
      maxInflightInbound: 0,
      authenticate: (client, _user, _password, done) => {
        this.#authenticate(client).then(
          () => done(null, true),
          (thrown) => done(connackError(thrown), null),
        );
      },
      authorizePublish: (client, packet, done) => this.#authorizePublish(client, packet, done),
      authorizeSubscribe: (client, subscription, done) =>
        done(null, this.#mayGrant(client, subscription) ? subscription : null),
    };
  }

  #registered(broker: Aedes, client: Client): void {
    const link = linkOf(client);
    if (link?.connection.isOver === true) {
      // Closed while aedes looked its session up: aedes would list the dead client for good
      // (aedes/lib/client.js `finish` ran before aedes.js `_finishRegisterClient`).
      if ("deleteClient" in broker && typeof broker.deleteClient === "function") {
        broker.deleteClient(client.id);
      }
      return;
    }
    guard(link, (found) => found.registered(client.id));
  }

  async #authenticate(client: Client): Promise<void> {
    const link = linkOf(client);
    if (link === null || this.#isDraining) {
      throw new GatewayError("draining", "the gateway is about to stop");
    }
    const { connect, connection } = link;
    const given = credentialsOf(connect);
    const credentials = given.kind === "none" ? connection.certificate : given;
    const address = connection.session.address;
    connection.session.identity = await this.#context.authenticator.authenticate(
      credentials,
      address,
    );
    this.#sessions.checkRoom(client.id, connect.clean);
  }

  #authorizePublish(
    client: Client | null,
    packet: Parameters<PublishAcceptance["accept"]>[1] & { readonly cmd?: string },
    done: Done,
  ): void {
    const link = client === null ? null : linkOf(client);
    if (link === null) {
      done(new Error("the publisher is gone"));
      return;
    }
    try {
      if (packet.cmd === "publish") this.#acceptance.accept(link, packet, done);
      else done(new Error("the session's will is published by the session table"));
    } catch (refusal) {
      done(toGatewayError(refusal));
    }
  }

  #mayGrant(client: Client, wish: Subscription): boolean {
    if (wish.topic.startsWith(STAND_IN)) return !wish.topic.startsWith(REFUSED);
    const link = linkOf(client);
    const session = link?.session ?? null;
    if (link === null || session === null) return false;
    const { bus, limits } = this.#context;
    const shared = parseSharedName(wish.topic);
    const filter = parseFilter(shared?.filter ?? wish.topic, limits);
    if (!bus.maySubscribe(link.connection.identity, filter)) return false;
    if (shared !== null && !this.#mayShare(session, wish, shared.group, filter)) return false;
    if (session.has(wish.topic)) return true;
    const granting = this.#granting.get(session) ?? new Set<string>();
    const max = this.#options.maxSubscriptionsPerSession;
    if (session.subscriptionCount + granting.size >= max) return false;
    this.#granting.set(session, granting.add(wish.topic));
    return true;
  }

  /** Joins the group while SUBACK can still say no; a place in it takes no message before the flush. */
  #mayShare(session: MqttSession, wish: Subscription, group: string, filter: TopicFilter): boolean {
    const isFull = session.subscriptionCount >= this.#options.maxSubscriptionsPerSession;
    if (isFull && !session.has(wish.topic)) return false;
    try {
      session.share({ ...NO_OPTIONS, qos: qosOf(wish.qos), name: wish.topic, group, filter });
      return true;
    } catch (refusal) {
      this.#context.logger.debug("mqtt group refused", { reason: toGatewayError(refusal).message });
      return false;
    }
  }

  #subscribed(link: AedesLink, granted: readonly Subscription[]): void {
    const { session } = link;
    if (session === null) return;
    this.#granting.delete(session);
    for (const { topic, qos } of granted) {
      const level: number = qos;
      if (topic.startsWith(STAND_IN) || level === SUBACK_FAILURE) continue;
      if (parseSharedName(topic) !== null) continue;
      const options = { ...NO_OPTIONS, qos: qosOf(level) };
      session.subscribe(parseFilter(topic, this.#context.limits), options);
    }
    link.answerWhenDurable();
  }

  #unsubscribed(link: AedesLink, filters: readonly string[]): void {
    for (const text of filters) {
      if (text.startsWith(STAND_IN)) continue;
      link.session?.unshare(text);
      link.session?.unsubscribe(parseFilter(text, this.#context.limits));
    }
    link.answerWhenDurable();
  }

  #prepare(packet: Buffer): Buffer {
    const { limits } = this.#context;
    if ((packet[0] ?? 0) >> 4 === PACKET.subscribe) {
      return rewriteSubscribe(packet, limits, limits.maxFiltersPerRequest);
    }
    checkUnsubscribe(packet, limits);
    return packet;
  }

  #failed(client: Client, error: Error): void {
    this.#context.logger.debug("mqtt client failed", {
      transport: linkOf(client)?.connection.transport,
      reason: error.message,
    });
  }
}

/** What MQTT 3 cannot ask for. */
const NO_OPTIONS = { noLocal: false, retainAsPublished: false, id: 0 } as const;

const links = new WeakMap<AedesStream, AedesLink>();

function linkOf(client: object): AedesLink | null {
  if (!("conn" in client) || !(client.conn instanceof AedesStream)) return null;
  return links.get(client.conn) ?? null;
}

/** What fails in an event of aedes costs one connection: aedes emits within promises of its own. */
function guard(link: AedesLink | null, step: (link: AedesLink) => void): void {
  if (link === null) return;
  try {
    step(link);
  } catch (thrown) {
    link.connection.refuse(thrown);
  }
}

function credentialsOf(connect: ConnectPacket): Credentials {
  if (connect.user === null) return { kind: "none" };
  const password = connect.password?.toString("utf8") ?? "";
  return { kind: "password", user: connect.user, password };
}

/** The refusal with the CONNACK return code aedes is to write. */
function connackError(thrown: unknown): Error & { returnCode: number } {
  const error = toGatewayError(thrown);
  return Object.assign(new Error(error.message), { returnCode: connackCodeOf(error.code) });
}

function connackCodeOf(code: ErrorCode): number {
  if (code === "unauthenticated") return CONNACK.badCredentials;
  if (code === "forbidden") return CONNACK.notAuthorized;
  return CONNACK.serverUnavailable;
}

function qosOf(level: number): QoS {
  return level === 2 ? 2 : level === 1 ? 1 : 0;
}
