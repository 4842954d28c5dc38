import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Offerable } from "../../src/bus/subscription-index.ts";
import { SubscriptionIndex } from "../../src/bus/subscription-index.ts";
import { matches } from "../../src/bus/topic.ts";
import { TopicTrie } from "../../src/bus/topic-trie.ts";
import { filterText, topicText } from "../support/arbitraries.ts";
import { filter, topic } from "../support/bus-kit.ts";
import { oracleMatches } from "../support/match-oracle.ts";

const NUM_RUNS = 200;

describe("matching by MQTT §4.7", () => {
  test("one filter against one topic agrees with the definition", () => {
    fc.assert(
      fc.property(filterText, topicText, (f, t) => {
        expect(matches(filter(f), topic(t))).toBe(oracleMatches(f, t));
      }),
      { numRuns: 5_000 },
    );
  });

  test("the index agrees with the definition while filters come and go", () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ do: fc.constant("add" as const), filter: filterText }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("remove" as const), at: fc.nat() }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant("offer" as const), topic: topicText }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const index = new SubscriptionIndex();
        const held: { filter: string; subscriber: Offerable; got: number }[] = [];
        let offset = 0;
        for (const each of steps) {
          if (each.do === "add") {
            const entry = { filter: each.filter, subscriber: { offer: () => undefined }, got: 0 };
            entry.subscriber.offer = () => {
              entry.got += 1;
              return undefined;
            };
            held.push(entry);
            index.add(filter(each.filter), entry.subscriber);
          } else if (each.do === "remove") {
            const [gone] = held.splice(held.length === 0 ? 0 : each.at % held.length, 1);
            if (gone === undefined) continue;
            index.remove(filter(gone.filter), gone.subscriber);
            index.remove(filter(gone.filter), gone.subscriber);
          } else {
            for (const entry of held) entry.got = 0;
            offset += 1;
            index.offer(topic(each.topic), offset, 0);
            for (const entry of held) {
              expect(entry.got).toBe(oracleMatches(entry.filter, each.topic) ? 1 : 0);
            }
            const wanting = held.filter((entry) => oracleMatches(entry.filter, each.topic));
            expect(index.subscribers(topic(each.topic)).size).toBe(wanting.length);
          }
          expect(index.size).toBe(held.length);
        }
      }),
      { numRuns: NUM_RUNS },
    );
  });

  test("the trie agrees with the definition while topics come and go, and leaves no node behind", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("set" as const), topic: topicText }),
      fc.record({ do: fc.constant("delete" as const), topic: topicText }),
      fc.record({ do: fc.constant("match" as const), filter: filterText }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const trie = new TopicTrie<string>();
        const model = new Set<string>();
        for (const each of steps) {
          if (each.do === "set") {
            trie.set(topic(each.topic), each.topic);
            model.add(each.topic);
          } else if (each.do === "delete") {
            trie.delete(topic(each.topic));
            model.delete(each.topic);
          } else {
            const found: string[] = [];
            trie.match(filter(each.filter), (value) => found.push(value));
            const expected = [...model].filter((name) => oracleMatches(each.filter, name));
            expect(found.sort()).toEqual(expected.sort());
          }
          expect(trie.size).toBe(model.size);
          for (const name of model) expect(trie.get(topic(name))).toBe(name);
        }
        for (const name of model) trie.delete(topic(name));
        expect([trie.size, trie.nodeCount]).toEqual([0, 0]);
      }),
      { numRuns: NUM_RUNS },
    );
  });
});
