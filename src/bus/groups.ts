import { GatewayError } from "../errors.ts";
import {
  Group,
  type GroupContext,
  type GroupLimits,
  type GroupMember,
  type GroupMembership,
} from "./group.ts";
import type { QueueLimits } from "./overflow.ts";
import type { SubscriptionIndex } from "./subscription-index.ts";
import type { TopicFilter } from "./topic.ts";

/**
 * 1,000 groups of 1,000 members cover a fleet of workers for each of a thousand tasks; 1,024
 * unacknowledged messages a member is a round trip of 100 ms at 10,000 messages/s.
 */
export const DEFAULT_GROUP_LIMITS: GroupLimits = {
  maxGroups: 1_000,
  maxMembersPerGroup: 1_000,
  maxUnacknowledgedPerMember: 1_024,
};

/** Every group, by its name and filter: the same name with another filter is another group. */
export class Groups {
  readonly #context: GroupContext;
  readonly #limits: GroupLimits;
  readonly #queue: QueueLimits;
  readonly #index: SubscriptionIndex;
  readonly #groups = new Map<string, Group>();

  constructor(
    context: GroupContext,
    limits: GroupLimits = DEFAULT_GROUP_LIMITS,
    queue: QueueLimits,
    index: SubscriptionIndex,
  ) {
    this.#context = context;
    this.#limits = limits;
    this.#queue = queue;
    this.#index = index;
  }

  get count(): number {
    return this.#groups.size;
  }

  /** Throws `limit_exceeded`; the first member makes the group, the last to leave ends it. */
  join(name: string, filter: TopicFilter, member: GroupMember): GroupMembership {
    // A filter holds no U+0000, so no two pairs share a key.
    const key = `${filter}\0${name}`;
    const group = this.#groups.get(key) ?? this.#open(key, filter, member);
    if (group.memberCount >= this.#limits.maxMembersPerGroup) {
      throw new GatewayError(
        "limit_exceeded",
        `group "${name}" has ${group.memberCount} members, which is the limit`,
      );
    }
    return group.join(member);
  }

  #open(key: string, filter: TopicFilter, member: GroupMember): Group {
    if (this.#groups.size >= this.#limits.maxGroups) {
      throw new GatewayError(
        "limit_exceeded",
        `${this.#groups.size} groups exist already, which is the limit`,
      );
    }
    const group = new Group({
      name: key,
      context: this.#context,
      limits: this.#limits,
      queue: this.#queue,
      transport: member.transport,
      onEmpty: () => {
        this.#groups.delete(key);
        this.#index.remove(filter, group);
      },
    });
    this.#groups.set(key, group);
    this.#index.add(filter, group);
    return group;
  }
}
