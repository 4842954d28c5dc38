import type { Identity } from "../../bus/ports.ts";
import { parseFilter, type TopicFilter } from "../../bus/topic.ts";
import { GatewayError } from "../../errors.ts";
import type { Session } from "../session-registry.ts";
import type { TransportContext } from "../transport.ts";
import type { HttpServices, ReportedStore } from "./options.ts";
import { QueryParameters } from "./query-parameters.ts";

/** Sessions or topics in one listing; a console shows no more, and larger answers stall the loop. */
const MAX_LISTED = 1_000;

/** What operators ask of a running gateway, as plain values. */
export class StatusReport {
  readonly #context: TransportContext;
  readonly #services: HttpServices;
  readonly #startedAt: number;

  constructor(context: TransportContext, services: HttpServices) {
    this.#context = context;
    this.#services = services;
    this.#startedAt = context.clock.now();
  }

  /** `GET /v1/status`. */
  status(heldPolls: number, streams: number): Readonly<Record<string, unknown>> {
    const { bus, sessions, clock } = this.#context;
    const { version } = this.#services;
    const { isReady, reasons } = this.#services.health();
    const { retainedMessages, retainedBytes, logMessages, logBytes, store } =
      this.#services.state();
    return {
      version,
      ready: isReady,
      reasons,
      epoch: bus.epoch,
      startedAt: this.#startedAt,
      uptimeSeconds: Math.round((clock.now() - this.#startedAt) / 1_000),
      sessions: sessions.count,
      sessionsByTransport: countByTransport(sessions.list()),
      subscriptions: bus.subscriptionCount,
      heldPolls,
      streams,
      retainedMessages,
      retainedBytes,
      log: {
        messages: logMessages,
        bytes: logBytes,
        firstOffset: bus.firstOffset,
        lastOffset: bus.lastOffset,
        cursor: bus.cursorAt(bus.lastOffset),
      },
      store: storeReport(store),
      ...this.#services.activity(),
    };
  }

  /** `GET /v1/sessions?max=N`: who is connected, oldest first. */
  sessions(rawQuery: string): Readonly<Record<string, unknown>> {
    const max = new QueryParameters(rawQuery, ["max"]).wholeNumber("max", 1, MAX_LISTED);
    const listed: unknown[] = [];
    for (const session of this.#context.sessions.list()) {
      if (listed.length >= (max ?? MAX_LISTED)) break;
      const { id, transport, address, connectedAt, identity } = session;
      listed.push({ id, transport, address, connectedAt, user: identity.user });
    }
    return { count: this.#context.sessions.count, sessions: listed };
  }

  /** `GET /v1/topics?filter=F&max=N`: topics that hold a retained message, oldest first. */
  topics(rawQuery: string, identity: Identity): Readonly<Record<string, unknown>> {
    const query = new QueryParameters(rawQuery, ["filter", "max"]);
    const max = query.wholeNumber("max", 1, MAX_LISTED) ?? MAX_LISTED;
    const filter: TopicFilter = parseFilter(query.text("filter") ?? "#", this.#context.limits);
    const found = this.#context.bus.retainedUnder(identity, [filter]);
    const topics = found
      .slice(0, max)
      .map(({ topic, payload, properties, offset, acceptedAt }) => ({
        topic,
        bytes: payload.length,
        ...(properties.contentType === undefined ? {} : { contentType: properties.contentType }),
        offset,
        acceptedAt,
      }));
    return { count: found.length, topics };
  }
}

/** Throws `forbidden` unless the identity may see what others do. */
export function checkAdmin(identity: Identity, isAdmin: (identity: Identity) => boolean): void {
  if (isAdmin(identity)) return;
  throw new GatewayError("forbidden", "only an administrator may see this");
}

/** Named as in the log's part of the report. */
function storeReport(store: ReportedStore): Readonly<Record<string, unknown>> {
  const { kind, logMessages, logBytes, fileBytes, oldestAcceptedAt, pendingBytes } = store;
  return {
    kind,
    messages: logMessages,
    bytes: logBytes,
    fileBytes,
    oldestAcceptedAt,
    pendingBytes,
    recoverySeconds: store.recoverySeconds,
    fault: store.fault,
  };
}

function countByTransport(sessions: Iterable<Session>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { transport } of sessions) counts[transport] = (counts[transport] ?? 0) + 1;
  return counts;
}
