import { WebSocket } from "ws";

/** RFC 6455 §5.5: a control frame carries at most 125 bytes, of which the code takes two. */
const MAX_REASON_BYTES = 123;

/**
 * The `ws` end of a connection, which receives and closes; everything else is written by us to the
 * socket below. Its one addition: whoever has it close, client, framing error or we, `onClosing`
 * runs before the close frame is written, because no data frame may follow it (RFC 6455 §5.5.1).
 */
export class ReceivingSocket extends WebSocket {
  onClosing: (() => void) | null = null;

  override close(code?: number, reason?: string | Buffer): void {
    const before = this.onClosing;
    this.onClosing = null;
    before?.();
    super.close(code, typeof reason === "string" ? cutToBytes(reason) : reason);
  }
}

/** The longest start of the text that fits a close frame, without half a character at its end. */
function cutToBytes(text: string): string {
  if (Buffer.byteLength(text) <= MAX_REASON_BYTES) return text;
  const cut = Buffer.from(text).subarray(0, MAX_REASON_BYTES).toString("utf8");
  return cut.replace(/\uFFFD+$/, "");
}
