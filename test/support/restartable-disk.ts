import type { Message } from "../../src/bus/message.ts";
import type { QueueEntry } from "../../src/bus/session-store.ts";
import type { StoredKey } from "../../src/bus/store-port.ts";
import type { Topic } from "../../src/bus/topic.ts";
import type { GatewayError } from "../../src/errors.ts";

/** One session on the disk. */
export interface DiskSession {
  state: Uint8Array;
  readonly entries: Map<number, QueueEntry>;
  readonly received: Set<number>;
  readonly incoming: Set<number>;
  sentThrough: number;
  lastSequence: number;
}

/** What survives a crash. */
export interface Disk {
  readonly messages: Map<number, Message>;
  readonly kept: Map<number, Message>;
  readonly retained: Map<Topic, Message>;
  readonly sessions: Map<string, DiskSession>;
  readonly keys: Map<string, StoredKey>;
  lastOffset: number;
}

/** One change that is not on the disk yet, or somebody who waits until it is. */
export type Note =
  | { readonly is: "change"; apply(disk: Disk): void }
  | { readonly is: "waiting"; tell(refusal: GatewayError | null): void };

export function change(apply: (disk: Disk) => void): Note {
  return { is: "change", apply };
}
