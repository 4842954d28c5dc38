import type {
  QueueEntry,
  RestoredSession,
  SessionStore,
  StoredSession,
} from "../../src/bus/session-store.ts";
import { change, type Disk, type DiskSession, type Note } from "./restartable-disk.ts";

/** The session store of one process; see `RestartableStore`. */
export class RestartableSessions implements SessionStore {
  readonly whenDurable: SessionStore["whenDurable"];
  readonly #disk: Disk;
  readonly #note: (note: Note) => void;

  constructor(disk: Disk, note: (note: Note) => void, whenDurable: SessionStore["whenDurable"]) {
    this.#disk = disk;
    this.#note = note;
    this.whenDurable = whenDurable;
  }

  restore(): readonly RestoredSession[] {
    return [...this.#disk.sessions].map(([name, session]) => ({
      name,
      state: session.state,
      entries: [...session.entries.values()].map((entry) => ({
        ...entry,
        isSent: entry.sequence <= session.sentThrough,
        isReceived: session.received.has(entry.sequence),
      })),
      lastSequence: session.lastSequence,
      incoming: [...session.incoming],
      stored: new NotedSession(name, session, this.#note),
    }));
  }

  create(name: string, state: Uint8Array): StoredSession {
    const session: DiskSession = {
      state: Uint8Array.from(state),
      entries: new Map(),
      received: new Set(),
      incoming: new Set(),
      sentThrough: 0,
      lastSequence: 0,
    };
    this.#note(change((disk) => disk.sessions.set(name, session)));
    return new NotedSession(name, session, this.#note);
  }
}

/** Changes `session`, which is what the disk has, only when the disk is written. */
class NotedSession implements StoredSession {
  durableThrough: number;
  readonly #name: string;
  readonly #session: DiskSession;
  readonly #note: (note: Note) => void;
  #last: number;
  #isDeleted = false;

  constructor(name: string, session: DiskSession, note: (note: Note) => void) {
    this.#name = name;
    this.#session = session;
    this.#note = note;
    this.#last = session.lastSequence;
    this.durableThrough = session.lastSequence;
  }

  save(state: Uint8Array): void {
    const copy = Uint8Array.from(state);
    this.#change((session) => {
      session.state = copy;
    });
  }

  push(entry: QueueEntry): void {
    const { sequence } = entry;
    if (sequence < this.#last) throw new Error(`sequence ${sequence} comes after ${this.#last}`);
    this.#last = sequence;
    this.#change((session) => {
      session.entries.set(sequence, entry);
      session.lastSequence = sequence;
      this.durableThrough = sequence;
    });
  }

  sent(sequence: number): void {
    this.#change((session) => {
      session.sentThrough = sequence;
    });
  }

  received(sequence: number): void {
    this.#change((session) => session.received.add(sequence));
  }

  done(sequence: number): void {
    this.#change((session) => {
      session.entries.delete(sequence);
      session.received.delete(sequence);
    });
  }

  addIncoming(packetId: number): void {
    this.#change((session) => session.incoming.add(packetId));
  }

  deleteIncoming(packetId: number): void {
    this.#change((session) => session.incoming.delete(packetId));
  }

  delete(): void {
    this.#change((session, disk) => {
      if (disk.sessions.get(this.#name) === session) disk.sessions.delete(this.#name);
    });
    this.#isDeleted = true;
  }

  #change(apply: (session: DiskSession, disk: Disk) => void): void {
    if (this.#isDeleted) return;
    this.#note(change((disk) => apply(this.#session, disk)));
  }
}
