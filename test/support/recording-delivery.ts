import type { Position } from "../../src/bus/cursor.ts";
import type { Delivery } from "../../src/bus/delivery.ts";
import type { Message } from "../../src/bus/message.ts";
import type { Gap } from "../../src/bus/ports.ts";
import type { Reader } from "../../src/bus/reader.ts";
import type { Subscription, UntoldDrops } from "../../src/bus/subscription.ts";

/** What a client would have seen, call by call. */
export type Delivered =
  | { readonly kind: "retained" | "recovered"; readonly tag: unknown; readonly message: Message }
  | { readonly kind: "live"; readonly offset: number; readonly message: Message | undefined }
  | { readonly kind: "wentLive"; readonly tag: unknown; readonly offset: number }
  | {
      readonly kind: "gap";
      readonly tag: unknown;
      readonly from: Position;
      readonly gap: Gap;
    }
  | { readonly kind: "dropped"; readonly tag: unknown; readonly drops: UntoldDrops };

/** Keeps every call in order. Each message costs one byte and its payload. */
export class RecordingDelivery implements Delivery {
  readonly calls: Delivered[] = [];

  retained(subscription: Subscription, message: Message): number {
    this.calls.push({ kind: "retained", tag: subscription.tag, message: copy(message) });
    return message.payload.length + 1;
  }

  recovered(subscription: Subscription, message: Message): number {
    this.calls.push({ kind: "recovered", tag: subscription.tag, message: copy(message) });
    return message.payload.length + 1;
  }

  live(offset: number, reader: Reader): number {
    const message = reader.messageAt(offset);
    this.calls.push({
      kind: "live",
      offset,
      message: message === undefined ? undefined : copy(message),
    });
    return message === undefined ? 0 : message.payload.length + 1;
  }

  wentLive(subscription: Subscription, offset: number): void {
    this.calls.push({ kind: "wentLive", tag: subscription.tag, offset });
  }

  gap(subscription: Subscription, from: Position, gap: Gap): void {
    this.calls.push({ kind: "gap", tag: subscription.tag, from, gap });
  }

  dropped(subscription: Subscription, drops: Readonly<UntoldDrops>): void {
    this.calls.push({ kind: "dropped", tag: subscription.tag, drops: { ...drops } });
  }

  /** The calls so far, which are forgotten. */
  take(): readonly Delivered[] {
    return this.calls.splice(0);
  }

  /** One word a call, as in `recovered a=1`, for tests that compare whole sequences. */
  takeWords(): readonly string[] {
    return this.take().map(word);
  }
}

function word(call: Delivered): string {
  switch (call.kind) {
    case "retained":
    case "recovered":
      return `${call.kind} ${call.message.topic}=${text(call.message)}`;
    case "live":
      return call.message === undefined
        ? `live ${call.offset} without content`
        : `live ${call.message.topic}=${text(call.message)}`;
    case "wentLive":
      return `wentLive ${call.offset}`;
    case "gap":
      return `gap from ${call.from.offset} earliest ${call.gap.earliest} ${call.gap.reason}`;
    case "dropped":
      return `dropped ${call.drops.count} ${call.drops.reason}`;
  }
}

function text(message: Message): string {
  return new TextDecoder().decode(message.payload);
}

/** What was delivered must stay comparable when the log's blocks are gone. */
function copy(message: Message): Message {
  return { ...message, payload: message.payload.slice() };
}
