import type { GatewayError } from "../../errors.ts";
import type { TableName } from "./tables.ts";

/** Called once: `null` when everything noted before is durable, else why it is not. */
export type DurableCallback = (refusal: GatewayError | null) => void;

/**
 * Collects what one turn of the event loop changes and writes it as one transaction, at most one at
 * a time: what is noted while a commit is in flight makes up the next one.
 */
export interface CommitNotes {
  /**
   * Puts a value, or deletes with `null`; the last note of a key wins. The buffers are the queue's
   * from now on. A note whose commit fails is kept and written again with the next one.
   */
  note(table: TableName, key: Buffer, value: Buffer | null): void;
  /** In call order; at once, within the call, when nothing noted or announced is pending. */
  whenDurable(callback: DurableCallback): void;
  /**
   * Calls `contribute` right before each group is written, and at close: the last moment to note
   * what belongs to that group. For those that pack many small changes into few records.
   */
  beforeSubmit(contribute: () => void): void;
  /** A contributor has something to note: the next group is written even if nothing else is. */
  announce(): void;
}
