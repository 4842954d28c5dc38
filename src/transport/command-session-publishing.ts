import type { Bus } from "../bus/bus.ts";
import { type MessageDraft, NO_PROPERTIES, type Origin } from "../bus/message.ts";
import type { Identity, Receipt } from "../bus/ports.ts";
import { type GatewayError, toGatewayError } from "../errors.ts";
import type { CommandId } from "../wire/command-id.ts";
import type { PublishCommand } from "../wire/publish-command.ts";

/**
 * Publishes that may wait for their acceptance before the session's commands are held back: at
 * 0.2 ms a durable group commit, 1,024 in flight are 5 M a second, so only a stalled store gets here.
 */
const MAX_PENDING = 1_024;

/** Where the answers to publishes go. */
export interface PublishAnswers {
  /** `receivedAt` is that of the message. */
  published(id: CommandId, offset: number, receivedAt: number): void;
  refused(id: CommandId | null, error: GatewayError): void;
  /** Too many publishes wait: hold the commands until {@link PublishAnswers.relieved}. */
  congested(): void;
  /** Called when no more than half of the bound waits again. */
  relieved(): void;
  /** Nothing waits any more. */
  settled(): void;
}

type Outcome =
  | { readonly is: "accepted"; readonly offset: number }
  | { readonly is: "refused"; readonly error: GatewayError };

/** Stands for the client that gave its publish no id. */
const NOBODY_WAITS: Receipt = { accepted: () => undefined, refused: () => undefined };

/** A publish that will be answered. */
class PendingPublish implements Receipt {
  readonly id: CommandId;
  readonly receivedAt: number;
  outcome: Outcome | null = null;
  readonly #owner: CommandPublishing;

  constructor(id: CommandId, receivedAt: number, owner: CommandPublishing) {
    this.id = id;
    this.receivedAt = receivedAt;
    this.#owner = owner;
  }

  accepted(offset: number): void {
    this.#settle({ is: "accepted", offset });
  }

  refused(error: GatewayError): void {
    this.#settle({ is: "refused", error });
  }

  #settle(outcome: Outcome): void {
    if (this.outcome !== null) return;
    this.outcome = outcome;
    this.#owner.answerSettled();
  }
}

/**
 * The publishes of one session. With an id a publish is answered once it counts as accepted, in the
 * order in which the commands came; without one only a refusal is told.
 */
export class CommandPublishing {
  readonly #bus: Bus;
  /** Shared by all messages of the session. */
  readonly #origin: Origin;
  /** The peer's, for what is asked of it by address. */
  readonly #address: string;
  readonly #answers: PublishAnswers;
  readonly #pending: PendingPublish[] = [];
  #isCongested = false;
  #isClosed = false;

  constructor(bus: Bus, origin: Origin, address: string, answers: PublishAnswers) {
    this.#bus = bus;
    this.#origin = origin;
    this.#address = address;
    this.#answers = answers;
  }

  /** Publishes that wait for their acceptance. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Offers the message of a command whose bytes had come at `receivedAt`. Never throws. */
  publish(command: PublishCommand, publisher: Identity, receivedAt: number): void {
    const { id, topic, payload, retain, idempotencyKey: key } = command;
    const properties = command.properties ?? NO_PROPERTIES;
    const qos = id === null ? 0 : 1;
    const draft = {
      topic,
      payload,
      qos,
      retain,
      properties,
      origin: this.#origin,
      receivedAt,
    } as const;
    const pending = id === null ? null : this.#await(id, receivedAt);
    try {
      if (key === null) this.#bus.accept(draft, publisher, pending);
      else this.#acceptOnce(draft, publisher, key, pending ?? NOBODY_WAITS);
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (pending === null) this.#answers.refused(null, error);
      else pending.refused(error);
    }
    if (this.#pending.length < MAX_PENDING || this.#isCongested) return;
    this.#isCongested = true;
    this.#answers.congested();
  }

  /** Refuses a publish that does not reach the bus, in its turn. */
  refuse(id: CommandId | null, error: GatewayError): void {
    if (id === null) this.#answers.refused(null, error);
    else this.#await(id, 0).refused(error);
  }

  /** Whatever is decided from here on is nobody's concern: the connection is gone. */
  close(): void {
    this.#isClosed = true;
    this.#pending.length = 0;
  }

  /** Answers from the oldest on, up to the first that is not decided. */
  answerSettled(): void {
    if (this.#isClosed) return;
    let count = 0;
    for (const { id, receivedAt, outcome } of this.#pending) {
      if (outcome === null) break;
      count += 1;
      if (outcome.is === "accepted") this.#answers.published(id, outcome.offset, receivedAt);
      else this.#answers.refused(id, outcome.error);
    }
    if (count === 0) return;
    this.#pending.splice(0, count);
    if (this.#isCongested && this.#pending.length <= MAX_PENDING / 2) {
      this.#isCongested = false;
      this.#answers.relieved();
    }
    if (this.#pending.length === 0) this.#answers.settled();
  }

  /**
   * Keys belong to the user, or else to the address: a publish is repeated because its connection
   * broke, and by then the session is another one.
   */
  #acceptOnce(draft: MessageDraft, publisher: Identity, key: string, receipt: Receipt): void {
    const { user } = publisher;
    const scope = user === null ? `address ${this.#address}` : `user ${user}`;
    this.#bus.acceptOnce(draft, publisher, { scope, key }, receipt);
  }

  #await(id: CommandId, receivedAt: number): PendingPublish {
    const pending = new PendingPublish(id, receivedAt, this);
    this.#pending.push(pending);
    return pending;
  }
}
