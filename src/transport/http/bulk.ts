import type { IdempotencyKey } from "../../bus/idempotency.ts";
import { type MessageDraft, NO_PROPERTIES, type Origin } from "../../bus/message.ts";
import type { Identity, Receipt } from "../../bus/ports.ts";
import { GatewayError, toGatewayError } from "../../errors.ts";
import { type BulkError, parseBulk } from "../../wire/bulk.ts";
import { problemOf } from "../../wire/problem.ts";
import type { PublishCommand } from "../../wire/publish-command.ts";
import { problemHeaders } from "../problem-headers.ts";
import type { TransportContext } from "../transport.ts";
import { readBody } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import type { HttpSettings } from "./options.ts";
import { QueryParameters } from "./query-parameters.ts";
import { whenStoreKeepsUp } from "./store-relief.ts";

const JSON_TYPE = /^application\/([a-z0-9.+-]+\+)?json *(;|$)/i;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** `POST /v1/publish`: many messages in one request, all accepted or none. */
export class BulkHandler {
  readonly #context: TransportContext;
  readonly #settings: HttpSettings;

  constructor(context: TransportContext, settings: HttpSettings) {
    this.#context = context;
    this.#settings = settings;
  }

  handle(exchange: Exchange): void {
    exchange.identified((identity) => {
      new QueryParameters(exchange.target.rawQuery, []);
      checkContentType(exchange.request.headers["content-type"]);
      readBody(exchange, this.#settings.maxBulkBytes, (body) =>
        this.#take(exchange, identity, body),
      );
    });
  }

  #take(exchange: Exchange, identity: Identity, body: Uint8Array): void {
    const { maxTopicBytes, maxTopicLevels, maxPayloadBytes } = this.#context.limits;
    const bulk = parseBulk(decode(body), {
      maxTopicBytes,
      maxTopicLevels,
      maxPayloadBytes,
      maxMessages: this.#settings.maxBulkMessages,
    });
    if (bulk.is === "refused") refuseBulk(exchange, bulk.errors);
    else this.#publish(exchange, identity, bulk.commands);
  }

  #publish(exchange: Exchange, identity: Identity, commands: readonly PublishCommand[]): void {
    whenStoreKeepsUp(exchange, this.#context.bus, () => this.#accept(exchange, identity, commands));
  }

  #accept(exchange: Exchange, identity: Identity, commands: readonly PublishCommand[]): void {
    const { bus } = this.#context;
    exchange.connection.checkRate(commands.length);
    const origin = exchange.connection.publishOrigin(identity);
    const drafts = commands.map((command) => this.#draft(command, origin));
    const scope = exchange.connection.idempotencyScope(identity);
    const keys = commands.map(({ idempotencyKey: key }) => (key === null ? null : { scope, key }));
    const errors = [...repeatedKeys(keys), ...this.#check(drafts, keys, identity)];
    if (errors.length > 0) {
      refuseBulk(exchange, errors);
      return;
    }
    const receipts = new BulkReceipts(exchange, this.#context, drafts);
    if (commands.length === 0) receipts.answer();
    for (const [index, draft] of drafts.entries()) {
      const receipt = receipts.at(index);
      const key = keys[index] ?? null;
      try {
        if (key === null) bus.accept(draft, identity, receipt);
        else bus.acceptOnce(draft, identity, key, receipt);
      } catch (thrown) {
        receipt.refused(toGatewayError(thrown));
        return;
      }
    }
  }

  #draft(command: PublishCommand, origin: Origin): MessageDraft {
    return {
      topic: command.topic,
      payload: command.payload,
      qos: 1,
      retain: command.retain,
      properties: command.properties ?? NO_PROPERTIES,
      origin,
      receivedAt: this.#context.clock.now(),
    };
  }

  #check(
    drafts: readonly MessageDraft[],
    keys: readonly (IdempotencyKey | null)[],
    identity: Identity,
  ): readonly BulkError[] {
    const refusals = this.#context.bus.refusals(drafts, keys, identity);
    return refusals.flatMap((refusal, index) =>
      refusal === null ? [] : [{ index, code: refusal.code, message: refusal.message }],
    );
  }
}

/** Two messages of one bulk with one key would be one message, or a refusal after the first. */
function repeatedKeys(keys: readonly (IdempotencyKey | null)[]): readonly BulkError[] {
  const first = new Map<string, number>();
  const errors: BulkError[] = [];
  for (const [index, named] of keys.entries()) {
    if (named === null) continue;
    const earlier = first.get(named.key);
    if (earlier === undefined) first.set(named.key, index);
    else {
      const message = `the idempotency key is that of message ${earlier} of the same bulk`;
      errors.push({ index, code: "bad_request", message });
    }
  }
  return errors;
}

/** Gathers the receipts of one bulk and answers when the last has come. */
class BulkReceipts {
  readonly #exchange: Exchange;
  readonly #context: TransportContext;
  readonly #receivedAt: number;
  readonly #offsets: number[];
  #missing: number;

  constructor(exchange: Exchange, context: TransportContext, drafts: readonly MessageDraft[]) {
    this.#exchange = exchange;
    this.#context = context;
    this.#receivedAt = drafts[0]?.receivedAt ?? 0;
    this.#offsets = new Array<number>(drafts.length).fill(0);
    this.#missing = drafts.length;
  }

  at(index: number): Receipt {
    return {
      accepted: (offset) => {
        this.#offsets[index] = offset;
        this.#missing -= 1;
        if (this.#missing === 0) this.answer();
      },
      // A failure after the check, such as the store's, is told with how far the bulk had come.
      refused: (error) => {
        const accepted = this.#offsets.filter((offset) => offset > 0).length;
        const message = `message ${index} of the bulk failed after ${accepted} were accepted: ${error.message}`;
        const details = { ...error.details, accepted };
        this.#exchange.refuse(new GatewayError(error.code, message, { cause: error, details }));
      },
    };
  }

  answer(): void {
    const results = this.#offsets.map((offset) => ({
      cursor: this.#context.bus.cursorAt(offset),
      offset,
    }));
    if (this.#exchange.isOver) return;
    this.#exchange.json(202, JSON.stringify({ results }));
    if (results.length === 0) return;
    const { observer } = this.#context;
    observer.acknowledged("http", this.#receivedAt, results.length);
    this.#exchange.reportHandOver(observer);
  }
}

/** Refuses all: with the code of the first refusal, and every reason by its place. */
function refuseBulk(exchange: Exchange, errors: readonly BulkError[]): void {
  const code = errors[0]?.code ?? "bad_request";
  const message = `${errors.length} of the messages are refused, so none is accepted`;
  const error = new GatewayError(code, message);
  const problem = { ...problemOf(error), errors };
  exchange.answer(error.form.http ?? 500, problemHeaders(error), JSON.stringify(problem));
}

function checkContentType(contentType: string | undefined): void {
  if (contentType === undefined || JSON_TYPE.test(contentType)) return;
  const shown = JSON.stringify(contentType.slice(0, 60));
  throw new GatewayError(
    "unsupported_media_type",
    `content type ${shown} is not taken here; send application/json`,
  );
}

function decode(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw new GatewayError("bad_request", "body is not UTF-8", { cause });
  }
}
