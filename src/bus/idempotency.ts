import { GatewayError } from "../errors.ts";
import type { Clock } from "./clock.ts";
import { contentDigest } from "./content-digest.ts";
import type { MessageDraft } from "./message.ts";
import type { Receipt } from "./ports.ts";
import type { KeyStore, StoredKey } from "./store-port.ts";
import { VOLATILE_KEYS } from "./volatile-stores.ts";

/** What a publisher names a request by, so that repeating it publishes nothing twice. */
export interface IdempotencyKey {
  /** Whose key it is: an identity, or the session of an anonymous client. Keys of others are apart. */
  readonly scope: string;
  readonly key: string;
}

/** Bounds on the keys remembered. */
export interface IdempotencyLimits {
  /** Milliseconds for which a key is remembered from its first use. */
  readonly windowMs: number;
  /** Keys of all publishers together; past it the oldest gives way. */
  readonly maxKeys: number;
  /** Keys of one publisher, so that none can push out what others rely on. */
  readonly maxKeysPerScope: number;
}

/**
 * Ten minutes outlast a client's retries over a lost connection; 100,000 keys are about 20 MB, and a
 * tenth of them lets one client publish 16 keyed messages a second for the whole window.
 */
export const DEFAULT_IDEMPOTENCY_LIMITS: IdempotencyLimits = {
  windowMs: 600_000,
  maxKeys: 100_000,
  maxKeysPerScope: 10_000,
};

/** Characters of a key; as long as HTTP APIs with such a header commonly allow. */
export const MAX_IDEMPOTENCY_KEY_LENGTH = 255;

/** The first request with a key: it takes the log's answer and passes it on. */
export class Attempt implements Receipt {
  readonly scope: string;
  readonly key: string;
  readonly digest: string;
  readonly startedAt: number;
  readonly #forget: (attempt: Attempt) => void;
  #receipt: Receipt | null;
  #offset: number | null;

  constructor(
    request: Omit<StoredKey, "offset">,
    offset: number | null,
    receipt: Receipt | null,
    forget: (attempt: Attempt) => void,
  ) {
    this.scope = request.scope;
    this.key = request.key;
    this.digest = request.digest;
    this.startedAt = request.startedAt;
    this.#offset = offset;
    this.#receipt = receipt;
    this.#forget = forget;
  }

  /** The offset its message got; `null` while it is in progress. */
  get offset(): number | null {
    return this.#offset;
  }

  accepted(offset: number): void {
    this.#offset = offset;
    const receipt = this.#receipt;
    // Keys outlive their requests; what those hold must not.
    this.#receipt = null;
    receipt?.accepted(offset);
  }

  refused(error: GatewayError): void {
    this.abandon();
    this.#receipt?.refused(error);
    this.#receipt = null;
  }

  /** Frees the key: the message was not accepted, so the request may be made again. */
  abandon(): void {
    this.#forget(this);
  }
}

/**
 * Which keyed requests were made lately, and what came of them. A key that gave way or is older than
 * the window is forgotten: a repetition then is a new message.
 */
export class IdempotencyKeys {
  readonly #limits: IdempotencyLimits;
  readonly #clock: Clock;
  readonly #store: KeyStore;
  /** Oldest first, as every Map here. */
  readonly #attempts = new Set<Attempt>();
  readonly #scopes = new Map<string, Map<string, Attempt>>();
  /** Keys whose message the log has not ordered yet, by that message. */
  readonly #unordered = new Map<MessageDraft, Attempt>();
  readonly #forget = (attempt: Attempt): void => this.#remove(attempt);

  constructor(
    limits: IdempotencyLimits = DEFAULT_IDEMPOTENCY_LIMITS,
    clock: Clock,
    store: KeyStore = VOLATILE_KEYS,
  ) {
    this.#limits = limits;
    this.#clock = clock;
    this.#store = store;
  }

  /** Takes up the keys of earlier processes; once, before the first request. */
  restore(): void {
    for (const stored of this.#store.restore()) {
      this.#remember(new Attempt(stored, stored.offset, null, this.#forget));
    }
  }

  /** The log has given a message its place: its key becomes part of the same write. */
  ordered(offset: number, draft: MessageDraft): void {
    if (this.#unordered.size === 0) return;
    const attempt = this.#unordered.get(draft);
    if (attempt === undefined) return;
    this.#unordered.delete(draft);
    const { scope, key, digest, startedAt } = attempt;
    this.#store.put({ scope, key, digest, offset, startedAt });
  }

  get count(): number {
    return this.#attempts.size;
  }

  /**
   * Begins a request, or returns the offset the same request was given before. Throws
   * `idempotency_in_progress`, `idempotency_mismatch`, `bad_request` for a key that is empty or too
   * long, and `limit_exceeded` when every key remembered is in progress.
   */
  begin(name: IdempotencyKey, draft: MessageDraft, receipt: Receipt): Attempt | number {
    checkKey(name.key);
    const now = this.#clock.now();
    this.#forgetOld(now);
    const digest = contentDigest(draft);
    const earlier = this.#scopes.get(name.scope)?.get(name.key);
    if (earlier !== undefined) {
      const outcome = outcomeOf(earlier, digest);
      if (typeof outcome === "number") return outcome;
      throw outcome;
    }
    this.#makeRoom(name.scope);
    const attempt = new Attempt({ ...name, digest, startedAt: now }, null, receipt, this.#forget);
    this.#remember(attempt);
    this.#unordered.set(draft, attempt);
    return attempt;
  }

  /** What {@link begin} would refuse the request for now, or `null`, room apart; begins nothing. */
  refusal(name: IdempotencyKey, draft: MessageDraft): GatewayError | null {
    this.#forgetOld(this.#clock.now());
    const earlier = this.#scopes.get(name.scope)?.get(name.key);
    if (earlier === undefined) return null;
    const outcome = outcomeOf(earlier, contentDigest(draft));
    return typeof outcome === "number" ? null : outcome;
  }

  #remember(attempt: Attempt): void {
    const keys = this.#scopes.get(attempt.scope) ?? new Map<string, Attempt>();
    this.#scopes.set(attempt.scope, keys.set(attempt.key, attempt));
    this.#attempts.add(attempt);
  }

  #makeRoom(scope: string): void {
    const keys = this.#scopes.get(scope);
    // More than one may be too many: an earlier process may have had higher limits.
    while (keys !== undefined && keys.size >= this.#limits.maxKeysPerScope) {
      this.#removeOldest(keys.values(), keys.size);
    }
    while (this.#attempts.size >= this.#limits.maxKeys) {
      this.#removeOldest(this.#attempts, this.#attempts.size);
    }
  }

  /** A key in progress stays: its request would otherwise be made twice at once. */
  #removeOldest(attempts: Iterable<Attempt>, count: number): void {
    for (const attempt of attempts) {
      if (attempt.offset === null) continue;
      this.#remove(attempt);
      return;
    }
    throw new GatewayError(
      "limit_exceeded",
      `${count} requests with an idempotency key are in progress, which is the limit`,
    );
  }

  #forgetOld(now: number): void {
    for (const attempt of this.#attempts) {
      if (attempt.offset === null || now - attempt.startedAt < this.#limits.windowMs) return;
      this.#remove(attempt);
    }
  }

  #remove(attempt: Attempt): void {
    if (!this.#attempts.delete(attempt)) return;
    const keys = this.#scopes.get(attempt.scope);
    keys?.delete(attempt.key);
    if (keys?.size === 0) this.#scopes.delete(attempt.scope);
    for (const [draft, waiting] of this.#unordered) {
      if (waiting !== attempt) continue;
      // Refused before it had a place: nothing was stored.
      this.#unordered.delete(draft);
      return;
    }
    this.#store.delete(attempt.scope, attempt.key);
  }
}

function checkKey(key: string): void {
  if (key.length > 0 && key.length <= MAX_IDEMPOTENCY_KEY_LENGTH) return;
  throw new GatewayError(
    "bad_request",
    `the idempotency key has ${key.length} characters; 1 to ${MAX_IDEMPOTENCY_KEY_LENGTH} are allowed`,
  );
}

function outcomeOf(earlier: Attempt, digest: string): number | GatewayError {
  if (earlier.digest !== digest) {
    return new GatewayError(
      "idempotency_mismatch",
      `idempotency key ${JSON.stringify(earlier.key)} was used with another message`,
    );
  }
  if (earlier.offset !== null) return earlier.offset;
  return new GatewayError(
    "idempotency_in_progress",
    `the first request with idempotency key ${JSON.stringify(earlier.key)} has not finished`,
  );
}
