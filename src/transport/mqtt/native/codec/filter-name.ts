import { parseFilter, type TopicFilter, type TopicLimits } from "../../../../bus/topic.ts";
import { GatewayError } from "../../../../errors.ts";
import { isGroupName, parseSharedName } from "../../shared-subscription.ts";
import { REASON, type ReasonCode } from "./reason-codes.ts";

/** A filter as a client named it: taken apart, or refused by a code of its own. */
export type RequestedFilter = {
  /** As it was sent, `$share/` included: the subscription's name. */
  readonly name: string;
  /** The share name of `$share/{name}/{filter}`; `null` when the subscription is not shared. */
  readonly group: string | null;
} & (
  | { readonly refusal: null; readonly filter: TopicFilter }
  | { readonly refusal: ReasonCode; readonly message: string }
);

/** Takes a filter's name apart (§4.7, §4.8.2). What breaks a rule or a limit is a refusal. */
export function parseRequestedFilter(name: string, limits: TopicLimits): RequestedFilter {
  const shared = parseSharedName(name);
  const group = shared?.group ?? null;
  try {
    if (shared !== null && !isGroupName(shared.group)) {
      throw new GatewayError(
        "invalid_filter",
        "a share name is at least one character and no wildcard [MQTT-4.8.2-1]",
      );
    }
    return { name, group, refusal: null, filter: parseFilter(shared?.filter ?? name, limits) };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { name, group, refusal: REASON.topicFilterInvalid, message: error.message };
  }
}
