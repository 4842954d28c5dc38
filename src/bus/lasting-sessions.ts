import type { Message } from "./message.ts";
import type { MessageLog } from "./ports.ts";
import type { RestoredSession, SessionStore } from "./session-store.ts";
import { VOLATILE_SESSIONS } from "./volatile-stores.ts";

/** Whoever holds offsets that may outlive the log's window. */
export interface OffsetHolder {
  /**
   * The log is about to drop everything below `firstOffset`: what is still needed of it is to be kept
   * with {@link LastingSessions.keep}. Called within an append.
   */
  evicting(firstOffset: number): void;
  /** As `LogListener.evictingUnstored`, for holders of messages of QoS 0. */
  evictingUnstored?(firstOffset: number, isStored: (offset: number) => boolean): void;
}

/** Before the names of groups in the session store; MQTT's sessions have a prefix of their own. */
export const GROUP_PREFIX = "group/";

/** What lets sessions and groups outlive their connections, the log's window, and the process. */
export class LastingSessions {
  readonly store: SessionStore;
  readonly #log: MessageLog;
  readonly #holders = new Set<OffsetHolder>();
  #groups = new Map<string, RestoredSession>();
  #clients: RestoredSession[] = [];
  #announcedBelow = 0;

  constructor(log: MessageLog, store: SessionStore = VOLATILE_SESSIONS) {
    this.#log = log;
    this.store = store;
  }

  /** Reads what earlier processes left; once, before anything is published. */
  restore(): void {
    this.#announcedBelow = this.#log.firstOffset;
    for (const session of this.store.restore()) {
      if (session.name.startsWith(GROUP_PREFIX)) this.#groups.set(session.name, session);
      else this.#clients.push(session);
    }
  }

  /** The sessions of clients of earlier processes; afterwards they are the caller's. */
  takeClients(): readonly RestoredSession[] {
    const clients = this.#clients;
    this.#clients = [];
    return clients;
  }

  /** The queue an earlier process left for this group; afterwards it is the caller's. */
  takeGroup(name: string): RestoredSession | undefined {
    const group = this.#groups.get(name);
    this.#groups.delete(name);
    return group;
  }

  /** Forgets the groups nobody has come back to, once every session is restored. */
  forgetOtherGroups(): void {
    for (const { stored } of this.#groups.values()) stored.delete();
    this.#groups = new Map();
  }

  /** Asks the holder at each eviction; returns what ends that. */
  addHolder(holder: OffsetHolder): () => void {
    this.#holders.add(holder);
    return () => this.#holders.delete(holder);
  }

  /**
   * Whoever takes up offsets below this keeps them at once: their eviction has been announced, or they
   * left the window in a process before this one.
   */
  get announcedBelow(): number {
    return this.#announcedBelow;
  }

  /** A message of the window, or one that is kept. */
  messageAt(offset: number): Message | undefined {
    return this.#log.at(offset);
  }

  /** As `MessageLog.isUnreadable`. */
  get isUnreadable(): boolean {
    return this.#log.isUnreadable === true;
  }

  /** Payload bytes of a message of the window, or of one that is kept; 0 for any other. */
  sizeAt(offset: number): number {
    return this.#log.sizeAt(offset) || (this.#log.at(offset)?.payload.length ?? 0);
  }

  /** Keeps the message at this offset, if it can still be read; whether it could. */
  keepAt(offset: number): boolean {
    const message = this.#log.at(offset);
    if (message === undefined) return false;
    this.#log.keep(message);
    return true;
  }

  /** As {@link MessageLog.keep}. */
  keep(message: Message): void {
    this.#log.keep(message);
  }

  /** As {@link MessageLog.release}. */
  release(offset: number): void {
    this.#log.release(offset);
  }

  /** Called by the bus. */
  evicting(firstOffset: number): void {
    this.#announcedBelow = Math.max(this.#announcedBelow, firstOffset);
    for (const holder of this.#holders) holder.evicting(firstOffset);
  }

  /** Called by the bus. */
  evictingUnstored(firstOffset: number, isStored: (offset: number) => boolean): void {
    for (const holder of this.#holders) holder.evictingUnstored?.(firstOffset, isStored);
  }
}
