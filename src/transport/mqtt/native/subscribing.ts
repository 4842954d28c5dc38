import type { Bus } from "../../../bus/bus.ts";
import type { Identity } from "../../../bus/ports.ts";
import { toGatewayError } from "../../../errors.ts";
import type { MqttSession } from "../mqtt-session.ts";
import type { RequestedFilter } from "./codec/filter-name.ts";
import { REASON, type ReasonCode, reasonFor } from "./codec/reason-codes.ts";
import type { SubscribePacket, SubscriptionRequest } from "./codec/subscribe.ts";

/** Who subscribes, and within what bounds. */
export interface Subscriber {
  readonly bus: Bus;
  readonly identity: Identity;
  readonly session: MqttSession;
  /** Subscriptions of one session. */
  readonly maxSubscriptions: number;
  /** Filters of one packet. */
  readonly maxFilters: number;
}

/** What became of the filters of one packet. */
export interface FilterCodes {
  readonly codes: readonly ReasonCode[];
  /** Why the first of the refused ones was; `null` when none was. */
  readonly message: string | null;
}

interface Verdict {
  readonly code: ReasonCode;
  readonly message: string | null;
}

const GRANTED = [REASON.success, REASON.grantedQos1, REASON.grantedQos2] as const;

/** Adds the subscriptions of a SUBSCRIBE, each judged by itself [MQTT-3.8.4-5]. */
export function subscribe(subscriber: Subscriber, packet: SubscribePacket): FilterCodes {
  const { maxFilters } = subscriber;
  const verdicts = packet.requests.map((request, index): Verdict => {
    if (index < maxFilters) return add(subscriber, request, packet.subscriptionIdentifier);
    return refusal(REASON.quotaExceeded, `a packet may hold ${maxFilters} filters`);
  });
  return summary(verdicts);
}

/** Ends the subscriptions of an UNSUBSCRIBE. */
export function unsubscribe(
  session: MqttSession,
  filters: readonly RequestedFilter[],
): FilterCodes {
  return summary(filters.map((filter) => remove(session, filter)));
}

function add(subscriber: Subscriber, request: SubscriptionRequest, id: number): Verdict {
  const { bus, identity, session, maxSubscriptions } = subscriber;
  if (request.refusal !== null) return refusal(request.refusal, request.message);
  const { name, group, filter, qos, noLocal, retainAsPublished, retainHandling } = request;
  if (!bus.maySubscribe(identity, filter)) {
    return refusal(REASON.notAuthorized, `access control denies subscribing to "${filter}"`);
  }
  const isKnown = session.has(name);
  if (!isKnown && session.subscriptionCount >= maxSubscriptions) {
    return refusal(REASON.quotaExceeded, `a session may have ${maxSubscriptions} subscriptions`);
  }
  const options = { qos, noLocal, retainAsPublished, id };
  try {
    if (group !== null) session.share({ ...options, group, filter, name });
    else
      session.subscribe(
        filter,
        options,
        retainHandling === 0 || (retainHandling === 1 && !isKnown),
      );
  } catch (thrown) {
    const error = toGatewayError(thrown);
    return refusal(reasonFor("suback", error.code), error.message);
  }
  return { code: GRANTED[qos], message: null };
}

function remove(session: MqttSession, filter: RequestedFilter): Verdict {
  if (filter.refusal !== null) return refusal(filter.refusal, filter.message);
  if (!session.has(filter.name)) return { code: REASON.noSubscriptionExisted, message: null };
  if (filter.group !== null) session.unshare(filter.name);
  else session.unsubscribe(filter.filter);
  return { code: REASON.success, message: null };
}

function refusal(code: ReasonCode, message: string): Verdict {
  return { code, message };
}

function summary(verdicts: readonly Verdict[]): FilterCodes {
  const refused = verdicts.find(({ message }) => message !== null);
  return { codes: verdicts.map(({ code }) => code), message: refused?.message ?? null };
}
