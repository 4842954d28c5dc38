import type { Write } from "./environment.ts";
import type { TableName } from "./tables.ts";

/** Changes of tables that are not durable yet; the last one of each key. */
export class PendingNotes {
  readonly #byTable = new Map<TableName, Map<string, Write>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  set(write: Write): void {
    let table = this.#byTable.get(write.table);
    if (table === undefined) {
      table = new Map();
      this.#byTable.set(write.table, table);
    }
    const name = write.key.toString("latin1");
    if (!table.has(name)) this.#count += 1;
    table.set(name, write);
  }

  get(table: TableName, key: Buffer): Write | undefined {
    return this.#byTable.get(table)?.get(key.toString("latin1"));
  }

  /** Takes what an earlier, failed attempt held, where nothing newer is noted. */
  addOlder(older: PendingNotes): void {
    for (const write of older) {
      if (this.get(write.table, write.key) === undefined) this.set(write);
    }
  }

  *[Symbol.iterator](): Iterator<Write> {
    for (const table of this.#byTable.values()) yield* table.values();
  }
}
