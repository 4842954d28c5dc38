import type { MessageDraft } from "./message.ts";

/**
 * The message that was ordered last. While it is fanned out, whoever is offered its position finds
 * here what it would have to ask the log for; whoever offered the draft finds the place it was given.
 */
export class FanOut {
  offset = 0;
  /** When it was accepted: milliseconds since the Unix epoch, fractional. */
  acceptedAt = 0;
  #draft: MessageDraft | null = null;
  #isOffering = false;

  /** A message has its place. */
  begin(offset: number, draft: MessageDraft, acceptedAt: number): void {
    this.offset = offset;
    this.acceptedAt = acceptedAt;
    this.#draft = draft;
    this.#isOffering = true;
  }

  /** It has been offered to everyone: the draft is its owner's again. */
  end(): void {
    this.#isOffering = false;
  }

  /** The draft of the message that is being offered; `null` for any other offset. */
  draftAt(offset: number): MessageDraft | null {
    return this.#isOffering && offset === this.offset ? this.#draft : null;
  }

  /** Whether the message that was ordered last, after `offset`, came by this draft. */
  hasOrdered(draft: MessageDraft, after: number): boolean {
    return this.#draft === draft && this.offset > after;
  }
}
