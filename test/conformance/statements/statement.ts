/** Whom a statement obliges. "both" also where a client's breach obliges the server to react. */
export type Binding = "server" | "client" | "both" | "not observable";

/** The versions of MQTT that have numbered statements. */
export type StatementVersion = "3.1.1" | "5.0";

/** One numbered conformance statement of a standard, in our words. */
export interface Statement {
  readonly version: StatementVersion;
  /** As the standard writes it, such as `MQTT-3.8.4-6`. */
  readonly id: string;
  readonly binds: Binding;
  readonly says: string;
  /** Why no test can see it, or why it does not apply; only where `binds` says so. */
  readonly why: string | null;
}

const BINDINGS: readonly string[] = ["server", "client", "both", "not observable"];

/** Whether a server that speaks MQTT owes a test for it. */
export function isApplicable({ binds }: Statement): boolean {
  return binds === "server" || binds === "both";
}

/**
 * Reads a catalogue: one statement a line, `x.y.z-n | binds | what it says`, and ` | why` behind it
 * exactly when it is not observable. Throws for any line that is not that.
 */
export function parseStatements(version: StatementVersion, table: string): readonly Statement[] {
  const seen = new Set<string>();
  return table
    .trim()
    .split("\n")
    .map((line) => {
      const [number = "", binds = "", says = "", why = null, ...rest] = line.split(" | ");
      const id = `MQTT-${number}`;
      if (!/^MQTT-\d+\.\d+\.\d+-\d+$/.test(id) || says === "" || rest.length > 0) {
        throw new Error(`${version}: "${line}" is no statement`);
      }
      if (!isBinding(binds)) throw new Error(`${version}: ${id} binds "${binds}"`);
      if ((why !== null) !== (binds === "not observable")) {
        throw new Error(`${version}: ${id} has to say why exactly when it is not observable`);
      }
      if (seen.has(id)) throw new Error(`${version}: ${id} stands twice`);
      seen.add(id);
      return { version, id, binds, says, why };
    });
}

function isBinding(text: string): text is Binding {
  return BINDINGS.includes(text);
}
