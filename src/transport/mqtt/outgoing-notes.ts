/** Whoever gave the session a message to deliver in its place; told when the session is done with it. */
export interface ShareOwner {
  done(offset: number): void;
}

const NO_IDS: readonly number[] = Object.freeze([]);

/** What only some entries of a queue have: subscription identifiers, and an owner. Costs nothing unused. */
export class OutgoingNotes {
  #ids: Map<number, readonly number[]> | null = null;
  #owners: Map<number, ShareOwner> | null = null;

  idsAt(sequence: number): readonly number[] {
    return this.#ids?.get(sequence) ?? NO_IDS;
  }

  /** Adds an identifier; whether it is new. */
  addId(sequence: number, id: number): boolean {
    this.#ids ??= new Map();
    const known = this.#ids.get(sequence);
    if (known?.includes(id) === true) return false;
    this.#ids.set(sequence, known === undefined ? [id] : [...known, id]);
    return true;
  }

  setOwner(sequence: number, owner: ShareOwner | null): void {
    if (owner === null) {
      this.#owners?.delete(sequence);
      return;
    }
    this.#owners ??= new Map();
    this.#owners.set(sequence, owner);
  }

  /** The entries of an owner, in the order in which it gave them. */
  ownedBy(owner: ShareOwner): readonly number[] {
    if (this.#owners === null) return [];
    return [...this.#owners].filter(([, each]) => each === owner).map(([sequence]) => sequence);
  }

  /** The entry is over; returns its owner. */
  forget(sequence: number): ShareOwner | undefined {
    if (this.#ids !== null) this.#ids.delete(sequence);
    if (this.#owners === null) return undefined;
    const owner = this.#owners.get(sequence);
    if (owner !== undefined) this.#owners.delete(sequence);
    return owner;
  }

  clear(): void {
    this.#ids = null;
    this.#owners = null;
  }
}
