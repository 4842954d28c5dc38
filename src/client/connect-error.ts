import type { GatewayError } from "../errors.ts";

/** A connection that did not come about. */
export class ConnectError extends Error {
  /** A close code of RFC 6455 §7.4; 1006 when nothing answered. */
  readonly closeCode: number;
  /** What the gateway said; `null` when it said nothing. */
  readonly refusal: GatewayError | null;

  constructor(closeCode: number, reason: string, refusal: GatewayError | null) {
    super(`could not connect: ${reason === "" ? `close code ${closeCode}` : reason}`, {
      cause: refusal ?? undefined,
    });
    this.name = "ConnectError";
    this.closeCode = closeCode;
    this.refusal = refusal;
  }
}
