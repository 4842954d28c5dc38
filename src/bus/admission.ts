import { GatewayError } from "../errors.ts";
import type { MessageDraft } from "./message.ts";
import type { AccessPolicy, Identity } from "./ports.ts";
import type { RetainedAhead, RetainedMessages } from "./retained.ts";
import { isReserved, type TopicFilter } from "./topic.ts";

/** What may enter the bus, and who may ask for what. Answers with refusals; changes nothing. */
export class Admission {
  readonly #policy: AccessPolicy | null;
  readonly #retained: RetainedMessages;
  readonly #maxPayloadBytes: number;
  /** Set once the gateway is about to stop: every publish is refused from then on. */
  isDraining = false;

  constructor(policy: AccessPolicy | null, retained: RetainedMessages, maxPayloadBytes: number) {
    this.#policy = policy;
    this.#retained = retained;
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /**
   * Why this message may not be published, or `null`.
   * @param ahead what is accepted before it, where that is more than one message.
   */
  refusal(
    draft: MessageDraft,
    publisher: Identity,
    ahead: RetainedAhead | null = null,
  ): GatewayError | null {
    const { topic, payload } = draft;
    if (this.isDraining) {
      return new GatewayError("draining", "the gateway is about to stop and takes no new messages");
    }
    if (isReserved(topic)) {
      return new GatewayError("forbidden", `topic "${topic}" is reserved: it starts with $`);
    }
    if (payload.length > this.#maxPayloadBytes) {
      return new GatewayError(
        "too_large",
        `payload is ${payload.length} bytes; the limit is ${this.#maxPayloadBytes}`,
      );
    }
    if (this.#policy !== null && !this.#policy.mayPublish(publisher, topic)) {
      return new GatewayError("forbidden", `access control denies publishing to "${topic}"`);
    }
    return draft.retain ? this.#retained.refusal(draft, ahead) : null;
  }

  /** Throws `forbidden` when one of the filters is denied. */
  checkSubscribe(identity: Identity, filters: readonly TopicFilter[]): void {
    if (this.#policy === null) return;
    for (const filter of filters) {
      if (this.#policy.maySubscribe(identity, filter)) continue;
      throw new GatewayError("forbidden", `access control denies subscribing to "${filter}"`);
    }
  }
}
