import type { Message } from "../../bus/message.ts";
import type { Topic, TopicFilter } from "../../bus/topic.ts";
import type { OutgoingQueue } from "./outgoing-queue.ts";
import { FLAG, STATE } from "./outgoing-ring.ts";

/** Where the answers' bodies are until they are sent. */
export interface RetainedSource {
  /** The retained message of a topic, if the client may have it. */
  retainedAt(topic: Topic): Message | undefined;
  /** Every retained message under the session's filters that the client may have. */
  retainedUnderAll(): readonly Message[];
}

/** One subscription's answers: consecutive entries of the queue. */
interface Run {
  readonly filter: TopicFilter;
  readonly firstSequence: number;
  readonly topics: readonly Topic[];
}

/**
 * The retained messages of QoS 1 and 2 that answer subscriptions. Each has its place in the queue from
 * the start, so that what is accepted later comes later; its body is asked of the retained store
 * when its turn has come, so that a client that does not read keeps nothing alive. One that was
 * replaced meanwhile is left out: what replaced it follows in the queue.
 */
export class RetainedAnswers {
  readonly #queue: OutgoingQueue;
  #runs: Run[] = [];
  /** Topics by offset, for the answers of an earlier process; looked up once. */
  #restored: Map<number, Topic> | null = null;

  constructor(queue: OutgoingQueue) {
    this.#queue = queue;
  }

  /** Queues those of the messages that ask for acknowledgement. */
  begin(
    filter: TopicFilter,
    found: readonly Message[],
    granted: 1 | 2,
    subscriptionId: number,
  ): void {
    const messages = found.filter(({ qos }) => qos > 0);
    let firstSequence = 0;
    for (const { offset, qos } of messages) {
      const level = qos === 2 && granted === 2 ? 2 : 1;
      const sequence = this.#queue.pushAnswer(offset, level, subscriptionId);
      if (firstSequence === 0) firstSequence = sequence;
    }
    if (firstSequence === 0) return;
    this.#runs.push({ filter, firstSequence, topics: messages.map(({ topic }) => topic) });
  }

  /** The message of an answer whose turn has come; `undefined` when it is there no longer. */
  messageAt(sequence: number, source: RetainedSource): Message | undefined {
    const offset = this.#queue.entries.offsetAt(sequence);
    const topic = this.#topicAt(sequence) ?? this.#restoredTopic(offset, source);
    const message = topic === undefined ? undefined : source.retainedAt(topic);
    return message?.offset === offset ? message : undefined;
  }

  /** The subscription is over: what of its answers has not been sent is not sent any more. */
  forget(filter: TopicFilter): void {
    if (this.#runs.length === 0) return;
    for (const { filter: each, firstSequence, topics } of this.#runs) {
      if (each !== filter) continue;
      for (let i = 0; i < topics.length; i += 1) this.#giveUp(firstSequence + i);
    }
    this.#runs = this.#runs.filter((run) => run.filter !== filter);
  }

  clear(): void {
    this.#runs = [];
    this.#restored = null;
  }

  #giveUp(sequence: number): void {
    const { entries } = this.#queue;
    if (entries.stateAt(sequence) !== STATE.waiting || !entries.has(sequence, FLAG.answer)) return;
    this.#queue.finish(sequence);
  }

  /** Answers are sent in the order of their sequence, so that the oldest run is the one asked for. */
  #topicAt(sequence: number): Topic | undefined {
    for (;;) {
      const run = this.#runs[0];
      if (run === undefined || sequence < run.firstSequence) return undefined;
      const index = sequence - run.firstSequence;
      if (index === run.topics.length - 1) this.#runs.shift();
      if (index < run.topics.length) return run.topics[index];
      this.#runs.shift();
    }
  }

  #restoredTopic(offset: number, source: RetainedSource): Topic | undefined {
    this.#restored ??= new Map(source.retainedUnderAll().map((each) => [each.offset, each.topic]));
    return this.#restored.get(offset);
  }
}
