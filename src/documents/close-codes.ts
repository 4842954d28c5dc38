import { ERROR_FORMS, type ErrorForm } from "../errors.ts";

/** Codes of RFC 6455 §7.4.1 that stand for no refusal of ours. */
const STANDARD: readonly CloseCode[] = [
  { code: 1000, reason: "closed", meaning: "The client closed.", mayReconnect: true },
  {
    code: 1002,
    reason: "framing",
    meaning: "A frame breaks RFC 6455 §5.",
    mayReconnect: false,
  },
  {
    code: 1007,
    reason: "not UTF-8",
    meaning: "A text frame is not UTF-8 (RFC 6455 §8.1).",
    mayReconnect: false,
  },
];

/** How the gateway ends a WebSocket, and what a client may do then. */
export interface CloseCode {
  readonly code: number;
  /** The codes of refusals that it stands for. */
  readonly reason: string;
  readonly meaning: string;
  /** Whether to come back, with back-off. */
  readonly mayReconnect: boolean;
}

/** After any code of our range but these a client stays away: it would be refused again. */
function mayReconnect(code: number): boolean {
  return code === 1001 || code === 1011 || code === 4429 || code >= 4900;
}

/** Every close code the gateway sends, lowest first. */
export function closeCodes(): readonly CloseCode[] {
  const byCode = new Map<number, CloseCode>();
  for (const [reason, form] of Object.entries<ErrorForm>(ERROR_FORMS)) {
    const code = form.websocketClose;
    if (code === null) continue;
    const known = byCode.get(code);
    byCode.set(code, {
      code,
      reason: known === undefined ? reason : `${known.reason}, ${reason}`,
      meaning: known === undefined ? form.meaning : `${known.meaning} ${form.meaning}`,
      mayReconnect: mayReconnect(code),
    });
  }
  return [...STANDARD, ...byCode.values()].sort((a, b) => a.code - b.code);
}
