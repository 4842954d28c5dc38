import { parseCursor } from "../../bus/cursor.ts";
import type { Start } from "../../bus/subscription.ts";
import { GatewayError } from "../../errors.ts";
import type { TransportContext } from "../transport.ts";
import { EventStream, type EventStreamContext } from "./event-stream.ts";
import { EventTail } from "./event-tail.ts";
import type { Exchange } from "./exchange.ts";
import type { HttpSettings } from "./options.ts";
import { QueryParameters } from "./query-parameters.ts";
import { parseFilters, parseStart } from "./start.ts";

const PARAMETERS = ["filter", "cursor", "retained"];

/** `GET /v1/stream`: messages as server-sent events. */
export class StreamHandler {
  readonly #context: TransportContext;
  readonly #streams = new Set<EventStream>();
  readonly #streamContext: EventStreamContext;
  #isDraining = false;
  #onEmpty: (() => void) | null = null;

  constructor(context: TransportContext, settings: HttpSettings) {
    this.#context = context;
    this.#streamContext = {
      ...context,
      positionIntervalMs: settings.stream.positionIntervalMs,
      tail: new EventTail(context.bus, context.observer),
      ended: (stream) => this.#ended(stream),
    };
  }

  /** Streams open now. */
  get count(): number {
    return this.#streams.size;
  }

  handle(exchange: Exchange): void {
    exchange.identified((identity) => {
      if (this.#isDraining) {
        throw new GatewayError("draining", "the gateway is about to stop and opens no new stream");
      }
      const query = new QueryParameters(exchange.target.rawQuery, PARAMETERS);
      const filters = parseFilters(query.all("filter"), this.#context.limits);
      const start = startOf(exchange, query);
      const retained = query.flag("retained") ?? true;
      exchange.connection.session("sse", identity);
      const stream = new EventStream(exchange, identity, this.#streamContext);
      stream.open({ filters, start, overflow: "disconnect", retained });
      this.#streams.add(stream);
    });
  }

  /** Ends every stream once what is queued for it is delivered. */
  drain(): Promise<void> {
    this.#isDraining = true;
    const { promise, resolve } = withResolvers();
    this.#onEmpty = resolve;
    for (const stream of [...this.#streams]) stream.drain();
    if (this.#streams.size === 0) resolve();
    return promise;
  }

  stop(): void {
    for (const stream of [...this.#streams]) stream.release();
  }

  #ended(stream: EventStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.#onEmpty?.();
  }
}

/** A browser that reconnects repeats the URL of its page, so what it has seen since comes first. */
function startOf(exchange: Exchange, query: QueryParameters): Start {
  const seen = exchange.request.headers["last-event-id"];
  if (typeof seen === "string" && seen !== "") return { from: "cursor", ...parseCursor(seen) };
  return parseStart(query.text("cursor"));
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
