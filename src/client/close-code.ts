const GOING_AWAY = 1001;
const NO_CODE = 1005;
const LOST = 1006;
const INTERNAL = 1011;
/** Registered with IANA beside RFC 6455: a restart, an overload, a bad gateway in between. */
const PASSING_TROUBLE: ReadonlySet<number> = new Set([1012, 1013, 1014]);
const LIMITED = 4429;

/**
 * Whether a client may connect again with the same request after a connection ended with `code`: not
 * when the gateway would refuse it again (4400, 4401, 4403) or when this client broke the protocol.
 */
export function mayReconnect(code: number): boolean {
  if (code === GOING_AWAY || code === INTERNAL || code === LIMITED) return true;
  if (code === NO_CODE || code === LOST || PASSING_TROUBLE.has(code)) return true;
  return code >= 4900 && code <= 4999;
}
