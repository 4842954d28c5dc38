import { parsePollBody } from "../../wire/poll.ts";
import { monotonicNs } from "../pacer.ts";
import type { OnPayload, OpenReader } from "./driver.ts";
import { type Answer, exchange, keepAliveAgent } from "./http-exchange.ts";

/** Polls that the gateway holds until there is something. */
export const longPollReader: OpenReader = (context, filter, onPayload) =>
  openPolls({ context, filter, onPayload, intervalMs: null });

/** Polls that never wait, one every `intervalMs` from start to start, as a legacy client does. */
export function plainPollReader(intervalMs: number): OpenReader {
  return (context, filter, onPayload) => openPolls({ context, filter, onPayload, intervalMs });
}

interface PollParts {
  readonly context: Parameters<OpenReader>[0];
  readonly filter: string;
  readonly onPayload: OnPayload;
  /** `null`: held polls, one after the other. */
  readonly intervalMs: number | null;
}

async function openPolls(parts: PollParts) {
  const { context, filter, onPayload, intervalMs } = parts;
  const agent = keepAliveAgent(context.targets);
  const abort = new AbortController();
  const base = `${context.targets.httpUrl}/v1/poll?filter=${encodeURIComponent(filter)}&max=1000`;
  const poll = (cursor: string, isHeld: boolean): Promise<Answer> => {
    const url = `${base}&cursor=${encodeURIComponent(cursor)}${isHeld ? "" : "&timeout=0"}`;
    return exchange(agent, url, { method: "GET" }, abort.signal);
  };
  // The position to go on from, before the reader counts as connected.
  let cursor = take(await poll("now", false), onPayload);
  const reading = (async () => {
    while (!abort.signal.aborted) {
      const startedAt = performance.now();
      cursor = take(await poll(cursor, intervalMs === null), onPayload);
      if (intervalMs !== null) await pause(startedAt + intervalMs, abort.signal);
    }
  })();
  const settled = reading.catch((cause: unknown) => {
    if (abort.signal.aborted) return;
    context.onFailure(cause instanceof Error ? cause : new Error(String(cause)));
  });
  return {
    close: async () => {
      abort.abort();
      await settled;
      agent.destroy();
    },
  };
}

/** Hands over what a poll brought; returns what the next one begins after. */
function take({ status, headers, text }: Answer, onPayload: OnPayload): string {
  if (status === 204) return String(headers["tributary-cursor"] ?? "");
  if (status !== 200)
    throw new Error(`the poll was refused: HTTP ${status}: ${text.slice(0, 200)}`);
  const body = parsePollBody(text);
  // Read once: all messages of one answer are in the client's hands at the same moment.
  const receivedAtNs = monotonicNs();
  for (const { payload } of body.messages) onPayload(payload, receivedAtNs);
  return body.cursor;
}

function pause(untilMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, Math.max(0, untilMs - performance.now()));
    signal.addEventListener("abort", wake);
    if (signal.aborted) wake();
  });
}
