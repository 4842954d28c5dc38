import type { MessageDraft } from "../../bus/message.ts";
import type { Identity, Receipt } from "../../bus/ports.ts";
import { parseTopic, type Topic } from "../../bus/topic.ts";
import { GatewayError } from "../../errors.ts";
import { isIdempotencyKey } from "../../wire/publish-command.ts";
import { topicOfPath } from "../../wire/query.ts";
import type { TransportContext } from "../transport.ts";
import { readBody } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { propertiesOf } from "./property-headers.ts";
import { QueryParameters } from "./query-parameters.ts";
import { whenStoreKeepsUp } from "./store-relief.ts";

/** The longest expiry MQTT 5 can state (§3.3.2.3.3): four bytes of seconds. */
const MAX_EXPIRY_SECONDS = 4_294_967_295;

/**
 * Targets whose parsed form is remembered: publishers repeat theirs, and parsing costs as much as
 * accepting. 4,096 of at most 512 bytes are 2 MiB; at the bound the memory starts afresh.
 */
const MAX_REMEMBERED = 4_096;
const MAX_REMEMBERED_LENGTH = 512;

/** What the target of a publish says. */
interface PublishTarget {
  readonly topic: Topic;
  readonly retain: boolean;
  readonly expiry: number | undefined;
}

/** `POST /v1/topics/{topic}`: one message, its payload the body. */
export class PublishHandler {
  readonly #context: TransportContext;
  readonly #targets = new Map<string, PublishTarget>();

  constructor(context: TransportContext) {
    this.#context = context;
  }

  handle(exchange: Exchange): void {
    exchange.identified((identity) => {
      const target = this.#parseTarget(exchange);
      readBody(exchange, this.#context.bus.limits.maxPayloadBytes, (body) =>
        this.#publish(exchange, target, identity, body),
      );
    });
  }

  /** `DELETE /v1/topics/{topic}`: clears the retained message, by publishing an empty one. */
  handleDelete(exchange: Exchange): void {
    exchange.identified((identity) => {
      new QueryParameters(exchange.target.rawQuery, []);
      const target = { topic: this.topicOf(exchange), retain: true, expiry: undefined };
      this.#publish(exchange, target, identity, new Uint8Array(0));
    });
  }

  /** The topic the path names. Throws `bad_request` or `invalid_topic`. */
  topicOf(exchange: Exchange): Topic {
    const text = topicOfPath(exchange.target.path) ?? "";
    // A part of a text keeps the whole of it alive, and the topic may stay for as long as the log:
    // behind a query of 16 KiB it would cost that much.
    return parseTopic(Buffer.from(text).toString(), this.#context.limits);
  }

  #parseTarget(exchange: Exchange): PublishTarget {
    const url = exchange.request.url ?? "";
    const remembered = this.#targets.get(url);
    if (remembered !== undefined) return remembered;
    const query = new QueryParameters(exchange.target.rawQuery, ["retain", "expiry"]);
    const target: PublishTarget = {
      topic: this.topicOf(exchange),
      retain: query.flag("retain") ?? false,
      expiry: query.wholeNumber("expiry", 0, MAX_EXPIRY_SECONDS),
    };
    if (this.#targets.size >= MAX_REMEMBERED) this.#targets.clear();
    if (url.length <= MAX_REMEMBERED_LENGTH) this.#targets.set(url, target);
    return target;
  }

  #publish(exchange: Exchange, target: PublishTarget, identity: Identity, body: Uint8Array): void {
    whenStoreKeepsUp(exchange, this.#context.bus, () =>
      this.#accept(exchange, target, identity, body),
    );
  }

  #accept(exchange: Exchange, target: PublishTarget, identity: Identity, body: Uint8Array): void {
    const { bus, clock, limits } = this.#context;
    const { connection, request } = exchange;
    connection.checkRate(1);
    const draft: MessageDraft = {
      topic: target.topic,
      payload: body,
      qos: 1,
      retain: target.retain,
      properties: propertiesOf(request, target.expiry, limits),
      origin: connection.publishOrigin(identity),
      receivedAt: clock.now(),
    };
    const receipt = new PublishReceipt(exchange, this.#context, draft.receivedAt);
    const key = request.headers["idempotency-key"];
    if (key === undefined) bus.accept(draft, identity, receipt);
    else {
      const scope = connection.idempotencyScope(identity);
      bus.acceptOnce(draft, identity, { scope, key: checkKey(key) }, receipt);
    }
  }
}

/** Answers the publisher once its message is accepted. */
class PublishReceipt implements Receipt {
  readonly #exchange: Exchange;
  readonly #context: TransportContext;
  readonly #receivedAt: number;

  constructor(exchange: Exchange, context: TransportContext, receivedAt: number) {
    this.#exchange = exchange;
    this.#context = context;
    this.#receivedAt = receivedAt;
  }

  accepted(offset: number): void {
    const exchange = this.#exchange;
    const { bus, observer } = this.#context;
    if (exchange.isOver) return;
    if (exchange.request.method === "DELETE") exchange.answer(204, []);
    else {
      const cursor = bus.cursorAt(offset);
      exchange.answer(202, JSON_HEADERS, `{"cursor":"${cursor}","offset":${offset}}`);
    }
    observer.acknowledged("http", this.#receivedAt, 1);
    exchange.reportHandOver(observer);
  }

  refused(error: GatewayError): void {
    this.#exchange.refuse(error);
  }
}

const JSON_HEADERS: readonly string[] = Object.freeze(["Content-Type", "application/json"]);

function checkKey(key: string | string[]): string {
  if (typeof key === "string" && isIdempotencyKey(key)) return key;
  throw new GatewayError(
    "bad_request",
    "header Idempotency-Key must be 1 to 255 printable ASCII characters, given once",
  );
}
