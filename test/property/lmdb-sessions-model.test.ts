import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { QueueEntry, RestoredEntry, StoredSession } from "../../src/bus/session-store.ts";
import { LmdbSessions } from "../../src/store/lmdb/lmdb-sessions.ts";
import { type LmdbKit, openLmdb } from "../support/lmdb-kit.ts";

/** What a session ought to be. */
interface Model {
  state: string;
  entries: RestoredEntry[];
  lastSequence: number;
  incoming: Set<number>;
}

/** One member for each word, so that the compiler can tell them apart. */
type Does<Word extends string, Rest> = Word extends string
  ? { readonly does: Word } & Readonly<Rest>
  : never;

type SessionStep =
  | Does<"create" | "delete" | "save", { name: string; state: string }>
  | Does<"push", { name: string; entries: readonly PushFields[] }>
  | Does<"sent" | "received" | "done", { name: string; at: number }>
  | Does<"finish", { name: string }>
  | Does<"incoming", { name: string; packetId: number }>;

type Step = SessionStep | Does<"flush" | "fail" | "reopen" | "crash", object>;

type PushFields = Omit<QueueEntry, "sequence">;

const name = fc.constantFrom("client/a", "client/b", "group/é");
const at = fc.nat(1_000);

const fields: fc.Arbitrary<PushFields> = fc.record({
  offset: fc.integer({ min: 1, max: 5_000 }),
  qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
  isRetained: fc.boolean(),
  subscriptionIds: fc.constantFrom([], [1], [1, 70_000]),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constantFrom("create" as const, "save" as const),
      name,
      state: fc.string({ maxLength: 8 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant("delete" as const), name, state: fc.constant("") }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant("push" as const),
      name,
      entries: fc.array(fields, { minLength: 1, maxLength: 20 }),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      does: fc.constantFrom("sent" as const, "received" as const, "done" as const, "done" as const),
      name,
      at,
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("finish" as const), name }) },
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant("incoming" as const),
      name,
      packetId: fc.integer({ min: 1, max: 12 }),
    }),
  },
  { weight: 5, arbitrary: fc.constant({ does: "flush" as const }) },
  { weight: 1, arbitrary: fc.constantFrom({ does: "fail" as const }, { does: "crash" as const }) },
  { weight: 2, arbitrary: fc.constant({ does: "reopen" as const }) },
);

/** The store under test beside its model. */
class World {
  readonly #directory: string;
  readonly #model = new Map<string, Model>();
  readonly #stored = new Map<string, StoredSession>();
  #kit: LmdbKit;
  #sessions: LmdbSessions;

  constructor(directory: string) {
    this.#directory = directory;
    this.#kit = openLmdb(directory);
    this.#sessions = new LmdbSessions(this.#kit.environment, this.#kit.queue);
  }

  async apply(each: Step): Promise<void> {
    if (each.does === "flush") return this.#flush();
    if (each.does === "reopen") return this.reopen();
    if (each.does === "crash") return this.#crash();
    if (each.does === "fail") {
      this.#kit.environment.failuresDue = 1;
      return;
    }
    if (each.does === "create") return this.#create(each.name, each.state);
    const model = this.#model.get(each.name);
    const stored = this.#stored.get(each.name);
    if (model !== undefined && stored !== undefined) this.#change(each, model, stored);
  }

  /** Ends the process properly; the next one must find exactly the model. */
  async reopen(): Promise<void> {
    this.#kit.environment.failuresDue = 0;
    await this.#kit.close();
    this.#check();
  }

  /** Ends it without a word, once all but what nobody waits for is durable. */
  async #crash(): Promise<void> {
    this.#kit.environment.failuresDue = 0;
    if (this.#kit.queue.fault !== null) return this.reopen();
    for (const [each, stored] of this.#stored) {
      stored.save(Buffer.from(this.#model.get(each)?.state ?? ""));
    }
    await this.#kit.flushed();
    await this.#kit.environment.close();
    this.#check();
  }

  async #flush(): Promise<void> {
    await this.#kit.flushed().catch((error: unknown) => {
      expect(error).toMatchObject({ code: "store_unavailable" });
    });
  }

  #create(each: string, state: string): void {
    this.#stored.set(each, this.#sessions.create(each, Buffer.from(state)));
    // A session that is replaced begins anew, behind those that were created meanwhile.
    this.#model.delete(each);
    this.#model.set(each, { state, entries: [], lastSequence: 0, incoming: new Set() });
  }

  #change(each: SessionStep, model: Model, stored: StoredSession): void {
    if (each.does === "save") {
      model.state = each.state;
      stored.save(Buffer.from(each.state));
    } else if (each.does === "delete") {
      stored.delete();
      this.#model.delete(each.name);
      this.#stored.delete(each.name);
    } else if (each.does === "push") {
      for (const facts of each.entries) push(model, stored, facts);
    } else if (each.does === "incoming") {
      toggle(model, stored, each.packetId);
    } else if (each.does === "finish") {
      for (const { sequence } of model.entries.splice(0)) stored.done(sequence);
    } else if (each.does !== "create") {
      const sequence = model.entries[each.at % Math.max(1, model.entries.length)]?.sequence;
      if (sequence !== undefined) advance(model, stored, each.does, sequence);
    }
  }

  #check(): void {
    this.#kit = openLmdb(this.#directory);
    this.#sessions = new LmdbSessions(this.#kit.environment, this.#kit.queue);
    const restored = [...this.#sessions.restore()];
    expect(restored.map((each) => each.name)).toEqual([...this.#model.keys()]);
    for (const each of restored) {
      const { state, entries, lastSequence, incoming } = this.#model.get(each.name) ?? MISSING;
      expect(Buffer.from(each.state).toString()).toBe(state);
      expect(each.entries).toEqual(entries);
      expect(each.lastSequence).toBe(lastSequence);
      expect(each.incoming).toEqual([...incoming].sort((a, b) => a - b));
      this.#stored.set(each.name, each.stored);
    }
  }

  /** How many records the queues take once everything is deleted that is to be. */
  async readRecords(): Promise<{ records: number; entries: number }> {
    let count = -1;
    const { environment } = this.#kit;
    while (count !== environment.count("sessionQueues")) {
      count = environment.count("sessionQueues");
      await this.#kit.flushed();
    }
    const entries = [...this.#model.values()].reduce((sum, each) => sum + each.entries.length, 0);
    return { records: count, entries };
  }

  async end(): Promise<void> {
    await this.#kit.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

const MISSING: Model = { state: "", entries: [], lastSequence: -1, incoming: new Set() };

function push(model: Model, stored: StoredSession, facts: PushFields): void {
  model.lastSequence += 1;
  const entry = { sequence: model.lastSequence, ...facts };
  stored.push(entry);
  model.entries.push({ ...entry, isSent: false, isReceived: false });
}

function toggle(model: Model, stored: StoredSession, packetId: number): void {
  if (model.incoming.delete(packetId)) {
    stored.deleteIncoming(packetId);
    return;
  }
  model.incoming.add(packetId);
  stored.addIncoming(packetId);
}

function advance(
  model: Model,
  stored: StoredSession,
  does: "sent" | "received" | "done",
  sequence: number,
): void {
  stored[does](sequence);
  if (does === "done") {
    model.entries = model.entries.filter((each) => each.sequence !== sequence);
    return;
  }
  model.entries = model.entries.map((each) => {
    if (does === "sent") return each.sequence <= sequence ? { ...each, isSent: true } : each;
    return each.sequence === sequence ? { ...each, isSent: true, isReceived: true } : each;
  });
}

describe("sessions in lmdb, against a model", () => {
  test("every process finds exactly what the one before it left", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
        const world = new World(await mkdtemp(join(tmpdir(), "tributary-")));
        try {
          for (const each of steps) await world.apply(each);
          await world.reopen();
          const { records, entries } = await world.readRecords();
          expect(records).toBeLessThanOrEqual(entries);
        } finally {
          await world.end();
        }
      }),
      { numRuns: 150 },
    );
  });
});
