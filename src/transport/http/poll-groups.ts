import type { PollGroup } from "./poll-group.ts";
import type { PollQuery } from "./poll-query.ts";

/**
 * The groups polls can join, by user and by what is asked. The parsed query itself is the key: equal
 * texts parse to one object while they are remembered, and comparing objects costs nothing.
 */
export class PollGroups {
  readonly #byUser = new Map<string | null, Map<PollQuery, PollGroup>>();

  find(user: string | null, query: PollQuery): PollGroup | undefined {
    return this.#byUser.get(user)?.get(query);
  }

  /** Takes the place of an older group that is about to be answered. */
  add(group: PollGroup): void {
    const { user } = group.identity;
    const groups = this.#byUser.get(user);
    if (groups === undefined) this.#byUser.set(user, new Map([[group.query, group]]));
    else groups.set(group.query, group);
  }

  /** Does nothing when another group has taken its place. */
  remove(group: PollGroup): void {
    const { user } = group.identity;
    const groups = this.#byUser.get(user);
    if (groups?.get(group.query) !== group) return;
    groups.delete(group.query);
    if (groups.size === 0) this.#byUser.delete(user);
  }

  /** All of them, in an array of its own. */
  all(): PollGroup[] {
    return [...this.#byUser.values()].flatMap((groups) => [...groups.values()]);
  }
}
