import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { GroupMember, GroupMembership } from "../../src/bus/group.ts";
import { ANONYMOUS } from "../../src/bus/ports.ts";
import { BusKit, filter } from "../support/bus-kit.ts";

const QUEUE = { maxMessages: 4, maxBytes: 1_000 };

class Member implements GroupMember {
  readonly transport = "mqtt" as const;
  readonly identity = ANONYMOUS;
  readonly held: number[] = [];
  /** Everything it was ever given, in order. */
  readonly given: number[] = [];
  room = 2;

  get hasRoom(): boolean {
    return this.held.length < this.room;
  }

  offer(offset: number, membership: GroupMembership): void {
    const text = new TextDecoder().decode(membership.messageAt(offset)?.payload);
    expect(text).toBe(String(offset));
    this.held.push(offset);
    this.given.push(offset);
  }
}

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("publish" as const), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("join" as const), at: fc.nat() }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("acknowledge" as const), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("room" as const), at: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), at: fc.nat() }) },
);

describe("a group against its promises", () => {
  test("every message is acknowledged, held by one member, waiting, or counted as dropped", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150, size: "max" }), (steps) => {
        const kit = new BusKit({ limits: { queue: QUEUE }, window: { maxMessages: 3 } });
        const members: { member: Member; membership: GroupMembership }[] = [];
        let acknowledged = 0;
        let accepted = 0;
        let abandoned = 0;
        const dropped = () => kit.observer.drops.get("drop_oldest") ?? 0;
        const held = () => members.reduce((sum, { member }) => sum + member.held.length, 0);
        const waiting = () => accepted - acknowledged - held() - dropped() - abandoned;
        for (const each of steps) {
          const chosen = members[members.length === 0 ? 0 : each.at % members.length];
          if (each.do === "publish") {
            kit.publish("a", String(kit.bus.lastOffset + 1));
            if (members.length > 0) accepted += 1;
          } else if (each.do === "join") {
            const member = new Member();
            members.push({ member, membership: kit.bus.joinGroup("g", filter("a"), member) });
          } else if (chosen !== undefined) {
            const { member, membership } = chosen;
            if (each.do === "room") {
              member.room = each.at;
              membership.ready();
            } else if (each.do === "acknowledge") {
              const offset = member.held.shift();
              if (offset === undefined) continue;
              acknowledged += 1;
              membership.acknowledge(offset);
              membership.acknowledge(offset);
            } else {
              if (members.length === 1) abandoned += waiting() + member.held.length;
              members.splice(members.indexOf(chosen), 1);
              membership.leave();
              member.held.length = 0;
            }
          }
          const all = members.flatMap(({ member }) => member.held);
          expect(new Set(all).size).toBe(all.length);
          expect(waiting()).toBeGreaterThanOrEqual(0);
          // Returned messages wait outside the queue's bound: at most what members held before.
          if (waiting() > 0) expect(members.some(({ member }) => member.hasRoom)).toBe(false);
          expect(kit.bus.groupCount).toBe(members.length > 0 ? 1 : 0);
        }
        // In the end everything that waits is given out, oldest first.
        const last = members[0];
        if (last === undefined) return;
        const waitingAtEnd = waiting();
        const before = last.member.given.length;
        last.member.room = Number.POSITIVE_INFINITY;
        last.membership.ready();
        const rest = last.member.given.slice(before);
        expect(rest).toHaveLength(waitingAtEnd);
        expect(rest).toEqual([...rest].sort((a, b) => a - b));
      }),
      { numRuns: 300 },
    );
  });
});
