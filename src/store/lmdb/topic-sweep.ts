import type { LogWriter } from "./log-writer.ts";
import type { TopicIndex } from "./topic-index.ts";
import type { StoredTopic, TopicTable } from "./topic-table.ts";

/** Look-ups of one step: about 0.3 ms. */
const LOOKUPS_PER_STEP = 128;

const BEGINNING = Buffer.from([0]);

/**
 * Removes topics of which the log has no message left. It goes round the table in small steps, one
 * with each commit that removes messages, and looks for each topic in one segment after another.
 */
export class TopicSweep {
  readonly #topics: TopicTable;
  readonly #index: TopicIndex;
  #next = BEGINNING;
  #topic: StoredTopic | null = null;
  /** The segment where the look for it goes on. */
  #segment = 0;

  constructor(topics: TopicTable, index: TopicIndex) {
    this.#topics = topics;
    this.#index = index;
  }

  /** One step. Throws what the disk does. */
  step(writer: LogWriter): void {
    for (let lookups = 0; lookups < LOOKUPS_PER_STEP; lookups += 1) {
      this.#topic ??= this.#nextTopic();
      const topic = this.#topic;
      if (topic === null) return;
      if (this.#isInMemory(topic, writer)) {
        this.#topic = null;
        continue;
      }
      const segment = this.#index.segmentFrom(this.#segment);
      if (segment !== undefined) {
        if (this.#index.isIn(segment, topic.id)) this.#topic = null;
        this.#segment = segment + 1;
        continue;
      }
      this.#topics.remove(topic);
      this.#topic = null;
    }
  }

  /** Messages may have come since the look began, so this is asked at each step of it. */
  #isInMemory(topic: StoredTopic, writer: LogWriter): boolean {
    const { id } = topic;
    return this.#topics.isRecent(topic) || this.#index.isInMemory(id) || writer.hasTopic(id);
  }

  #nextTopic(): StoredTopic | null {
    const found = this.#topics.firstFrom(this.#next) ?? null;
    this.#next = found === null ? BEGINNING : Buffer.concat([found.key, BEGINNING]);
    this.#segment = 0;
    return found;
  }
}
