import { describe, expect, test } from "vitest";
import type { QoS } from "../../src/bus/message.ts";
import type { QueueEntry, RestoredSession, SessionStore } from "../../src/bus/session-store.ts";

/** A session store as one process has it. */
export interface OpenSessions {
  readonly sessions: SessionStore;
  /** Everything noted so far is durable. */
  flushed(): Promise<void>;
}

/** One that outlives its process. */
export interface LastingSessions extends OpenSessions {
  /** The next process's store: whatever was not flushed before may be missing. */
  reopen(): Promise<LastingSessions>;
}

export const STATE = Buffer.from("state of its owner");

/** An entry as most are; the rest of its fields by name. */
export function entry(sequence: number, fields: Partial<QueueEntry> = {}): QueueEntry {
  return {
    sequence,
    offset: 1_000 + sequence,
    qos: 1,
    isRetained: false,
    subscriptionIds: [],
    ...fields,
  };
}

/** Sequences of what is restored, as text: `!` sent, `*` received. */
export function owed({ entries }: RestoredSession): string {
  return entries
    .map(({ sequence, isSent, isReceived }) => {
      return `${sequence}${isSent ? "!" : ""}${isReceived ? "*" : ""}`;
    })
    .join(" ");
}

/** The contract of {@link SessionStore} that holds without a disk, too. */
export function sessionStoreContract(
  name: string,
  open: () => OpenSessions | Promise<OpenSessions>,
): void {
  describe(`session store: ${name}`, () => {
    test("holds no session before the first one is created", async () => {
      const { sessions } = await open();
      expect([...sessions.restore()]).toEqual([]);
    });

    test("an entry is durable at the latest when everything noted is", async () => {
      const { sessions, flushed } = await open();
      const session = sessions.create("client/a", STATE);
      session.push(entry(1, { qos: 2 }));
      session.push(entry(2));
      await flushed();
      expect(session.durableThrough).toBeGreaterThanOrEqual(2);
    });

    test("the entry is durable when the callback asked for after it is called", async () => {
      const { sessions } = await open();
      const session = sessions.create("client/a", STATE);
      session.push(entry(1, { qos: 2 }));
      const seen = await new Promise<number>((resolve) => {
        sessions.whenDurable(() => resolve(session.durableThrough));
      });
      expect(seen).toBeGreaterThanOrEqual(1);
    });

    test("callbacks come in the order in which they were asked for", async () => {
      const { sessions, flushed } = await open();
      const calls: number[] = [];
      for (const each of [1, 2, 3]) {
        sessions.create(`client/${each}`, STATE);
        sessions.whenDurable((refusal) => {
          expect(refusal).toBeNull();
          calls.push(each);
        });
      }
      await flushed();
      expect(calls).toEqual([1, 2, 3]);
    });

    test("calls after delete do nothing", async () => {
      const { sessions, flushed } = await open();
      const session = sessions.create("client/a", STATE);
      session.push(entry(1));
      session.delete();
      session.save(STATE);
      session.push(entry(2));
      session.sent(1);
      session.received(1);
      session.done(1);
      session.addIncoming(1);
      session.deleteIncoming(1);
      session.delete();
      await flushed();
    });
  });
}

/** What a store that outlives its process adds. */
export function lastingSessionContract(name: string, open: () => Promise<LastingSessions>): void {
  describe(`lasting session store: ${name}`, () => {
    /** What the next process finds, by name. */
    async function next(store: LastingSessions) {
      const reopened = await store.reopen();
      const found = new Map<string, RestoredSession>();
      for (const each of reopened.sessions.restore()) found.set(each.name, each);
      return { store: reopened, found };
    }

    async function only(store: LastingSessions) {
      const { store: reopened, found } = await next(store);
      const [session] = found.values();
      if (session === undefined || found.size > 1) throw new Error(`${found.size} sessions`);
      return { store: reopened, session };
    }

    test("a session comes back with its name, its state, and nothing owed", async () => {
      const store = await open();
      store.sessions.create("client/é", STATE);
      const { session } = await only(store);
      expect(session.name).toBe("client/é");
      expect(Buffer.from(session.state)).toEqual(STATE);
      expect([owed(session), session.lastSequence, session.incoming]).toEqual(["", 0, []]);
    });

    test("the newest state replaces the one before, and is copied", async () => {
      const store = await open();
      const session = store.sessions.create("client/a", STATE);
      const bytes = Buffer.from("second");
      session.save(bytes);
      bytes.fill(0);
      const { session: back, store: second } = await only(store);
      expect(Buffer.from(back.state).toString()).toBe("second");
      back.stored.save(Buffer.from("third"));
      expect(Buffer.from((await only(second)).session.state).toString()).toBe("third");
    });

    test("every field of an entry comes back", async () => {
      const store = await open();
      const session = store.sessions.create("client/a", STATE);
      const entries = ([0, 1, 2] as readonly QoS[]).map((qos, i) =>
        entry(i + 1, {
          qos,
          offset: 2 ** 40 - 7 * i,
          isRetained: i === 1,
          subscriptionIds: i === 0 ? [] : [1, 268_435_455],
        }),
      );
      for (const each of entries) session.push(each);
      const { session: back } = await only(store);
      const owedFields = { isSent: false, isReceived: false };
      expect(back.entries).toEqual(entries.map((each) => ({ ...each, ...owedFields })));
    });

    test("what was sent, received and done comes back exactly, over several processes", async () => {
      const store = await open();
      const session = store.sessions.create("client/a", STATE);
      for (let i = 1; i <= 6; i += 1) session.push(entry(i, { qos: 2 }));
      session.sent(5);
      session.received(2);
      session.received(4);
      session.done(1);
      session.done(4);
      const { session: second, store: next1 } = await only(store);
      expect(owed(second)).toBe("2!* 3! 5! 6");
      expect(second.lastSequence).toBe(6);
      expect(second.stored.durableThrough).toBeGreaterThanOrEqual(6);
      second.stored.push(entry(7));
      second.stored.done(2);
      second.stored.done(6);
      second.stored.sent(6);
      const { session: third, store: next2 } = await only(next1);
      expect(owed(third)).toBe("3! 5! 7");
      for (const each of [3, 5, 7]) third.stored.done(each);
      const { session: fourth } = await only(next2);
      expect([owed(fourth), fourth.lastSequence]).toEqual(["", 7]);
    });

    test("a sequence is not used twice, although its entry was pushed and done at once", async () => {
      const store = await open();
      const session = store.sessions.create("client/a", STATE);
      for (let i = 1; i <= 3; i += 1) {
        session.push(entry(i));
        session.done(i);
      }
      const { session: back } = await only(store);
      expect([owed(back), back.lastSequence]).toEqual(["", 3]);
    });

    test("an entry that is done in another group than its neighbours is over", async () => {
      const store = await open();
      const session = store.sessions.create("client/a", STATE);
      for (let i = 1; i <= 2_000; i += 1) {
        session.push(entry(i));
        if (i % 700 === 0) await store.flushed();
      }
      await store.flushed();
      for (let i = 1; i <= 2_000; i += 1) if (i % 3 !== 0) session.done(i);
      const { session: back } = await only(store);
      expect(back.entries.map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: 666 }, (_, i) => 3 * (i + 1)),
      );
    });

    test("an entry that is over takes none with it that was stored before it", async () => {
      const store = await open();
      const session = store.sessions.create("client/a", STATE);
      session.push(entry(1));
      session.push(entry(2));
      await store.flushed();
      session.done(1);
      session.push(entry(3));
      const { session: second, store: next1 } = await only(store);
      second.stored.done(3);
      expect(owed((await only(next1)).session)).toBe("2");
    });

    test("done twice, or of what was never pushed, is nothing", async () => {
      const store = await open();
      const session = store.sessions.create("client/a", STATE);
      session.done(1);
      session.push(entry(1));
      session.push(entry(2));
      session.done(2);
      session.done(2);
      session.done(9);
      session.received(2);
      const { session: back } = await only(store);
      expect([owed(back), back.lastSequence]).toEqual(["1", 2]);
    });

    test("packet ids that were not released come back, once each", async () => {
      const store = await open();
      const session = store.sessions.create("client/a", STATE);
      for (const each of [5, 65_535, 1, 5, 7]) session.addIncoming(each);
      session.deleteIncoming(7);
      const { session: back, store: second } = await only(store);
      expect(back.incoming).toEqual([1, 5, 65_535]);
      for (const each of back.incoming) back.stored.deleteIncoming(each);
      expect((await only(second)).session.incoming).toEqual([]);
    });

    test("sessions keep apart, in the order in which they were created", async () => {
      const store = await open();
      for (const each of ["b", "a", "c"]) {
        const session = store.sessions.create(`client/${each}`, Buffer.from(each));
        if (each !== "a") for (let i = 1; i <= 3; i += 1) session.push(entry(i));
      }
      const { found } = await next(store);
      expect([...found.keys()]).toEqual(["client/b", "client/a", "client/c"]);
      expect([...found.values()].map(owed)).toEqual(["1 2 3", "", "1 2 3"]);
    });

    test("a session that is deleted is gone, and one created again begins anew", async () => {
      const store = await open();
      const first = store.sessions.create("client/a", STATE);
      for (let i = 1; i <= 3; i += 1) first.push(entry(i));
      first.addIncoming(1);
      await store.flushed();
      first.delete();
      const again = store.sessions.create("client/a", Buffer.from("again"));
      again.push(entry(1, { offset: 77 }));
      const { session, store: second } = await only(store);
      expect(Buffer.from(session.state).toString()).toBe("again");
      expect(session.entries.map(({ offset }) => offset)).toEqual([77]);
      expect([session.lastSequence, session.incoming]).toEqual([1, []]);
      session.stored.delete();
      expect((await next(second)).found.size).toBe(0);
    });

    test("a session with the name of one that exists replaces it", async () => {
      const store = await open();
      const first = store.sessions.create("client/a", STATE);
      first.push(entry(1));
      const second = store.sessions.create("client/a", Buffer.from("second"));
      first.push(entry(2));
      second.push(entry(1, { offset: 5 }));
      const { session } = await only(store);
      expect(session.entries.map(({ offset }) => offset)).toEqual([5]);
    });
  });
}
