import type { EgressName, IngressName } from "./plan.ts";
import type { PlanPoint } from "./plan-points.ts";
import { Random } from "./statistics/random.ts";

/** Why a connection is there: to be compared, to be the measured one's equal, or as load. */
export type SlotRole = "measured" | "twin" | "crowd";

/** One connection of a block. */
export interface Slot<Name extends string> {
  readonly name: Name;
  readonly role: SlotRole;
  /** Its place in the order in which connections subscribe or publishers take turns, from 0. */
  readonly position: number;
}

export type PublisherSlot = Slot<IngressName>;
export type ReaderSlot = Slot<EgressName>;

/** What is connected in one block, in the order of `position`. */
export interface Block {
  readonly index: number;
  readonly publishers: readonly PublisherSlot[];
  readonly readers: readonly ReaderSlot[];
}

/**
 * The blocks of a point: in each, one publish reaches one measured reader of every egress, and a
 * twin of one of them, whose difference is the noise floor. The order of subscribing, the place of
 * the twin and the turns of the publishers are redrawn each block, so that nothing that an order
 * favours is always the same transport.
 *
 * Block n depends on the seed and n alone: a run that replaces a void block goes on to the next
 * index, and the blocks that stand are the same whichever others were void.
 */
export class BlockDesign {
  readonly #publishers: readonly Omit<PublisherSlot, "position">[];
  readonly #readers: readonly Omit<ReaderSlot, "position">[];
  readonly #seed: number;

  constructor(point: PlanPoint) {
    const { ingress, egress, repeatedIngress, repeatedEgress, fanOut, seed } = point;
    this.#seed = seed;
    // With one ingress there is nothing that a floor between publishers would judge.
    this.#publishers = members(ingress, ingress.length > 1 ? repeatedIngress : null, 1);
    this.#readers = members(egress, repeatedEgress, fanOut);
  }

  /** The block at `index`, from 0 on without end. */
  block(index: number): Block {
    // A multiple of an odd constant (2^32 / golden ratio) sends neighbours far apart.
    const random = new Random(this.#seed ^ Math.imul(index + 1, 0x9e3779b1));
    const placed = <Name extends string>(slots: readonly Omit<Slot<Name>, "position">[]) =>
      random.shuffled(slots).map((slot, position) => ({ ...slot, position }));
    return { index, publishers: placed(this.#publishers), readers: placed(this.#readers) };
  }
}

/** `repeated` undefined means the first name, `null` none. */
function members<Name extends string>(
  names: readonly Name[],
  repeated: Name | null | undefined,
  copies: number,
): Omit<Slot<Name>, "position">[] {
  const twin = repeated === undefined ? names[0] : repeated;
  return names.flatMap((name) => {
    const roles: SlotRole[] = ["measured"];
    if (name === twin) roles.push("twin");
    for (let copy = 1; copy < copies; copy += 1) roles.push("crowd");
    return roles.map((role) => ({ name, role }));
  });
}
