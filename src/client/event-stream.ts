import type { Cursor } from "../bus/cursor.ts";
import { GatewayError } from "../errors.ts";
import { Fields, parseJson } from "../wire/fields.ts";
import { parseJsonMessage, readCursor } from "../wire/json-message.ts";
import { SseDecoder, type SseEvent } from "../wire/sse-decoder.ts";
import { Backoff } from "./backoff.ts";
import { readFrom } from "./http-read.ts";
import { refusalOf } from "./http-request.ts";
import {
  asCursor,
  backoffOf,
  type Delivery,
  type HttpReadOptions,
  isFinal,
  pause,
} from "./resumable.ts";

/** Where a stream stands, so that the next connection goes on from there. */
interface Progress {
  cursor: string | null;
  hasBegun: boolean;
  retryMs: number;
}

/**
 * Reads `GET /v1/stream` for as long as `signal` allows, resuming by `Last-Event-ID` after every
 * interruption. Throws the refusal when the gateway would refuse again, and whatever went wrong when
 * the first attempt found no gateway.
 */
export async function* readEventStream(options: HttpReadOptions): AsyncGenerator<Delivery> {
  const backoff = new Backoff(backoffOf(options));
  const progress: Progress = { cursor: null, hasBegun: false, retryMs: 0 };
  while (!options.signal.aborted) {
    let cause: unknown = null;
    try {
      for await (const delivery of readOnce(options, progress)) {
        backoff.reset();
        yield delivery;
      }
    } catch (thrown) {
      if (options.signal.aborted) return;
      if (!progress.hasBegun || (thrown instanceof GatewayError && isFinal(thrown))) throw thrown;
      cause = thrown;
    }
    if (!options.signal.aborted) await pause(options, backoff, cause, progress.retryMs);
  }
}

async function* readOnce(options: HttpReadOptions, progress: Progress): AsyncGenerator<Delivery> {
  const answer = await open(options, progress);
  progress.hasBegun = true;
  if (answer.body === null) return;
  const decoder = new SseDecoder();
  let position = "";
  for await (const chunk of answer.body) {
    for (const event of decoder.push(chunk)) {
      const delivery = toDelivery(event);
      if (delivery !== null) yield delivery;
      // After the consumer took it: an event it never saw must come again.
      if (event.id !== "") progress.cursor = event.id;
    }
    if (decoder.retryMs !== null) progress.retryMs = decoder.retryMs;
    if (decoder.lastEventId === "" || decoder.lastEventId === position) continue;
    position = decoder.lastEventId;
    progress.cursor = position;
    yield { is: "position", cursor: asCursor(position) };
  }
}

async function open(options: HttpReadOptions, progress: Progress): Promise<Response> {
  const query: [string, string][] = [];
  if (progress.cursor === null && options.start !== undefined) {
    query.push(["cursor", options.start]);
  }
  const answer = await readFrom(options, "/v1/stream", query, {
    accept: "text/event-stream",
    ...(progress.cursor === null ? {} : { "last-event-id": progress.cursor }),
  });
  if (answer.status !== 200) throw await refusalOf(answer);
  return answer;
}

function toDelivery(event: SseEvent): Delivery | null {
  if (event.event === "message") {
    return { is: "message", message: parseJsonMessage(parseJson(event.data, "event")) };
  }
  if (event.event !== "gap") return null;
  const fields = new Fields(parseJson(event.data, "gap"), "gap");
  const earliest: Cursor = readCursor(fields, "earliest");
  return { is: "gap", reason: fields.text("reason"), earliest };
}
