import type { MessageDraft } from "../../bus/message.ts";

/** What a session's client leaves to be published when its connection ends without a goodbye. */
export interface SessionWill
  extends Pick<MessageDraft, "topic" | "payload" | "qos" | "retain" | "properties"> {
  /** Will Delay Interval (MQTT 5 §3.1.3.2.2); 0 for none, and before MQTT 5. */
  readonly delaySeconds: number;
}
