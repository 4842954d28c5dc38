import { type Message, storedBytes } from "../../bus/message.ts";
import type { RetainedStore } from "../../bus/ports.ts";
import type { Topic, TopicFilter } from "../../bus/topic.ts";
import { TopicTrie } from "../../bus/topic-trie.ts";

/** Retained messages in a trie of their topics. */
export class MemoryRetainedStore implements RetainedStore {
  readonly #trie = new TopicTrie<Message>();
  #bytes = 0;

  get count(): number {
    return this.#trie.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(topic: Topic): Message | undefined {
    return this.#trie.get(topic);
  }

  set(message: Message): void {
    const replaced = this.#trie.get(message.topic);
    this.#bytes += storedBytes(message) - (replaced === undefined ? 0 : storedBytes(replaced));
    this.#trie.set(message.topic, message);
  }

  delete(topic: Topic): void {
    const kept = this.#trie.get(topic);
    if (kept === undefined) return;
    this.#bytes -= storedBytes(kept);
    this.#trie.delete(topic);
  }

  match(filter: TopicFilter): Iterable<Message> {
    const found: Message[] = [];
    this.#trie.match(filter, (message) => found.push(message));
    return found;
  }
}
