import type { Cursor } from "../bus/cursor.ts";
import { GatewayError } from "../errors.ts";
import { type PollBody, parsePollBody } from "../wire/poll.ts";
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

/** How to poll. */
export interface PollOptions extends HttpReadOptions {
  /** Seconds the gateway may hold a poll that has nothing; absent: the gateway's default. */
  readonly holdSeconds?: number;
  /** Messages of one answer at most. */
  readonly max?: number;
  /** Whether the first answer begins with retained messages; only for a start at now. */
  readonly retained?: boolean;
}

/**
 * Polls `GET /v1/poll` for as long as `signal` allows, each poll from where the one before ended: no
 * message is missed between two. A gap is handed over and polling goes on from what is still there.
 */
export async function* readPolls(options: PollOptions): AsyncGenerator<Delivery> {
  const backoff = new Backoff(backoffOf(options));
  let cursor: Cursor | null = null;
  // Held polls need a position first, or a message published while connecting could be missed.
  if (options.start === undefined || options.start === "now") {
    const first = await poll({ ...options, holdSeconds: 0 }, "now");
    yield* deliver(first);
    cursor = positionOf(first);
  }
  while (!options.signal.aborted) {
    let outcome: Outcome;
    try {
      outcome = await poll(options, cursor ?? options.start ?? "now");
    } catch (cause) {
      if (options.signal.aborted) return;
      if (cursor === null || (cause instanceof GatewayError && isFinal(cause))) throw cause;
      await pause(options, backoff, cause);
      continue;
    }
    backoff.reset();
    yield* deliver(outcome);
    cursor = positionOf(outcome);
  }
}

type Outcome =
  | { readonly is: "answer"; readonly body: PollBody }
  | { readonly is: "empty"; readonly cursor: Cursor }
  | { readonly is: "gap"; readonly reason: string; readonly earliest: Cursor };

function* deliver(outcome: Outcome): Generator<Delivery> {
  if (outcome.is === "answer") {
    for (const message of outcome.body.messages) yield { is: "message", message };
  }
  if (outcome.is === "gap") yield outcome;
  yield { is: "position", cursor: positionOf(outcome) };
}

function positionOf(outcome: Outcome): Cursor {
  if (outcome.is === "answer") return outcome.body.cursor;
  return outcome.is === "empty" ? outcome.cursor : outcome.earliest;
}

/** One poll. Throws the refusal, or what the network threw. */
async function poll(options: PollOptions, cursor: string): Promise<Outcome> {
  const query: [string, string][] = [["cursor", cursor]];
  if (options.holdSeconds !== undefined) query.push(["timeout", String(options.holdSeconds)]);
  if (options.max !== undefined) query.push(["max", String(options.max)]);
  if (options.retained === true && cursor === "now") query.push(["retained", "true"]);
  const answer = await readFrom(options, "/v1/poll", query);
  if (answer.status === 200) return { is: "answer", body: parsePollBody(await answer.text()) };
  if (answer.status === 204) {
    return { is: "empty", cursor: asCursor(answer.headers.get("tributary-cursor") ?? "") };
  }
  const refusal = await refusalOf(answer);
  if (refusal.code !== "gap") throw refusal;
  const { reason = "unknown", earliest = "" } = refusal.details;
  return { is: "gap", reason: String(reason), earliest: asCursor(String(earliest)) };
}
