import type { TransportName } from "../bus/message.ts";
import { GatewayError } from "../errors.ts";
import type { CommandSession } from "./command-session.ts";
import { Heartbeat } from "./command-session-heartbeat.ts";
import type { CommandSessionOptions } from "./command-session-parts.ts";
import type { TransportContext } from "./transport.ts";

/** The open command sessions of one transport: their heartbeat, and their end. */
export class CommandSessionGroup {
  readonly #transport: TransportName;
  readonly #context: TransportContext;
  readonly #heartbeat: Heartbeat;
  readonly #sessions = new Set<CommandSession>();
  /** Told once no session is left. */
  #onEmpty: (() => void)[] = [];

  constructor(transport: TransportName, context: TransportContext, options: CommandSessionOptions) {
    this.#transport = transport;
    this.#context = context;
    this.#heartbeat = new Heartbeat(
      Math.min(options.heartbeatMs, options.authenticateTimeoutMs),
      () => context.clock.now(),
      (error) => context.logger.error("heartbeat failed", { transport, error }),
    );
  }

  add(session: CommandSession): void {
    this.#sessions.add(session);
    this.#heartbeat.add(session);
    this.#context.observer.connected(this.#transport);
  }

  /** To be called once the session's connection is closed. */
  remove(session: CommandSession): void {
    session.release();
    this.#heartbeat.remove(session);
    if (!this.#sessions.delete(session)) return;
    this.#context.observer.disconnected(this.#transport);
    if (this.#sessions.size > 0) return;
    for (const tell of this.#onEmpty.splice(0)) tell();
  }

  /** Ends each session once it has been delivered what is queued; resolves when all are closed or after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.#sessions.size === 0) return;
    const reason = new GatewayError("draining", "the gateway is about to stop");
    let timer: NodeJS.Timeout | undefined;
    const isOver = new Promise<void>((resolve) => {
      this.#onEmpty.push(resolve);
      timer = setTimeout(resolve, timeoutMs);
    });
    for (const session of this.#sessions) session.finish(reason);
    await isOver;
    clearTimeout(timer);
  }

  /** Takes every session off the bus; their connections are the transport's to close. */
  release(): void {
    for (const session of this.#sessions) session.release();
  }
}
