import type { Socket } from "node:net";
import { parsePollBody } from "../../wire/poll.ts";
import { parseProblem } from "../../wire/problem.ts";
import { monotonicNs } from "../pacer.ts";
import { resetConnection } from "./connect.ts";
import type { DriverContext, OnPayload, OpenReader, Reader, ReaderStart } from "./driver.ts";
import { type Answer, agentOf, exchange } from "./http-exchange.ts";

/** Polls that the gateway holds until there is something. */
export const longPollReader: OpenReader = (context, { filter, start }, onPayload) =>
  new Polls({ context, filter, onPayload, intervalMs: null }).open(start);

/** Polls that never wait, one every interval from start to start, as a legacy client does. */
export const plainPollReader: OpenReader = (context, { filter, start }, onPayload) => {
  const intervalMs = context.factors.plainPollIntervalMs;
  return new Polls({ context, filter, onPayload, intervalMs }).open(start);
};

interface PollParts {
  readonly context: DriverContext;
  readonly filter: string;
  readonly onPayload: OnPayload;
  /** `null`: held polls, one after the other. */
  readonly intervalMs: number | null;
}

class Polls implements Reader {
  readonly #parts: PollParts;
  readonly #agent;
  readonly #abort = new AbortController();
  readonly #base: string;
  #cursor = "now";
  #socket: Socket | null = null;
  #isPaused = false;
  #reading: Promise<void> = Promise.resolve();

  constructor(parts: PollParts) {
    const { context, filter } = parts;
    this.#parts = parts;
    this.#agent = agentOf(context);
    const query = `filter=${encodeURIComponent(filter)}&max=1000`;
    this.#base = `${context.targets.httpUrl}/v1/poll?${query}`;
  }

  async open(start: ReaderStart): Promise<Reader> {
    if (start.from === "position") this.#cursor = start.position ?? "now";
    // The position to go on from, before the reader counts as connected.
    else await this.#poll(false, start.from === "now" && start.wantsRetained);
    this.#reading = this.#read().catch((cause: unknown) => {
      if (this.#abort.signal.aborted) return;
      this.#parts.context.onFailure(cause instanceof Error ? cause : new Error(String(cause)));
    });
    return this;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#reading;
    this.#agent.destroy();
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket?.resume();
  }

  reset(): void {
    const socket = this.#socket;
    this.#abort.abort();
    if (socket !== null) resetConnection(socket);
    this.#agent.destroy();
  }

  position(): string {
    return this.#cursor;
  }

  async #read(): Promise<void> {
    const { intervalMs } = this.#parts;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const startedAt = performance.now();
      await this.#poll(intervalMs === null, false);
      if (intervalMs !== null) await pause(startedAt + intervalMs, signal);
    }
  }

  async #poll(isHeld: boolean, wantsRetained: boolean): Promise<void> {
    const cursor = `&cursor=${encodeURIComponent(this.#cursor)}`;
    const hold = isHeld ? "" : "&timeout=0";
    const retained = wantsRetained ? "&retained=true" : "";
    const onSocket = (socket: Socket): void => {
      this.#socket = socket;
      if (this.#isPaused) socket.pause();
    };
    const answer = await exchange(
      this.#agent,
      `${this.#base}${cursor}${hold}${retained}`,
      { method: "GET", onSocket },
      this.#abort.signal,
    );
    this.#cursor = take(answer, this.#parts.onPayload);
  }
}

/** Hands over what a poll brought; returns what the next one begins after. */
function take({ status, headers, text }: Answer, onPayload: OnPayload): string {
  if (status === 204) return String(headers["tributary-cursor"] ?? "");
  // What is gone is counted as lost; like a stream, the reader goes on from what is still there.
  if (status === 410) return String(parseProblem(text).details.earliest ?? "");
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
