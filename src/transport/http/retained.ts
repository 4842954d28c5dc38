import { GatewayError } from "../../errors.ts";
import { isMediaType } from "../../wire/media-type.ts";
import type { TransportContext } from "../transport.ts";
import type { Exchange } from "./exchange.ts";
import type { PublishHandler } from "./publish.ts";
import { QueryParameters } from "./query-parameters.ts";

/**
 * A retained payload is whatever a publisher chose, served from the gateway's origin: never sniffed,
 * never run, never shown in place.
 */
const CONTAINMENT: readonly string[] = Object.freeze([
  "X-Content-Type-Options",
  "nosniff",
  "Content-Security-Policy",
  "sandbox",
  "Content-Disposition",
  "attachment",
  "Cache-Control",
  "no-store",
]);

/** `GET /v1/topics/{topic}`: the retained message, raw. */
export class RetainedHandler {
  readonly #context: TransportContext;
  readonly #topics: Pick<PublishHandler, "topicOf">;

  constructor(context: TransportContext, topics: Pick<PublishHandler, "topicOf">) {
    this.#context = context;
    this.#topics = topics;
  }

  handle(exchange: Exchange): void {
    exchange.identified((identity) => {
      new QueryParameters(exchange.target.rawQuery, []);
      const topic = this.#topics.topicOf(exchange);
      const message = this.#context.bus.retainedAt(identity, topic);
      if (message === undefined) {
        throw new GatewayError(
          "not_found",
          `topic ${JSON.stringify(topic)} holds no retained message`,
        );
      }
      const { contentType } = message.properties;
      const headers = [...CONTAINMENT];
      if (contentType !== undefined && isMediaType(contentType)) {
        headers.push("Content-Type", contentType);
      }
      exchange.answer(200, headers, message.payload);
      // Observed only when a body leaves: HEAD asks about the message without receiving it.
      if (exchange.request.method === "HEAD") return;
      const { observer } = this.#context;
      observer.deliveredLate(message.origin.transport, "http", message.qos);
      exchange.reportHandOver(observer);
    });
  }
}
