import { readFileSync } from "node:fs";

/** One instruction, continuation lines joined, comments and heredocs aside. */
export interface Instruction {
  /** In capitals, such as `COPY`. */
  readonly name: string;
  readonly rest: string;
}

/** What follows one `FROM`. */
export interface Stage {
  readonly base: string;
  readonly name: string | null;
  readonly instructions: readonly Instruction[];
}

/** One `COPY` from the build context or from another stage. */
export interface Copy {
  readonly from: string | null;
  readonly sources: readonly string[];
  readonly target: string;
}

const FROM = /^(\S+)(?:\s+AS\s+(\S+))?$/i;

/** The stages of a Dockerfile, in order. It reads what ours uses, and throws for anything else. */
export function readDockerfile(path: string): readonly Stage[] {
  const stages: { base: string; name: string | null; instructions: Instruction[] }[] = [];
  for (const instruction of instructions(readFileSync(path, "utf8"))) {
    if (instruction.name === "FROM") {
      const [, base = "", name] = FROM.exec(instruction.rest) ?? [];
      stages.push({ base, name: name ?? null, instructions: [] });
    } else if (instruction.name !== "ARG" || stages.length > 0) {
      const stage = stages.at(-1);
      if (stage === undefined) throw new Error(`${instruction.name} stands before any FROM`);
      stage.instructions.push(instruction);
    }
  }
  return stages;
}

/** What an instruction of the stage says; empty when there is none. Throws when there are several. */
export function only(stage: Stage, name: string): string {
  const found = stage.instructions.filter((each) => each.name === name);
  if (found.length > 1) throw new Error(`${found.length} times ${name} in one stage`);
  return found[0]?.rest ?? "";
}

/** The `COPY` instructions of a stage. */
export function copies(stage: Stage): readonly Copy[] {
  return stage.instructions
    .filter(({ name }) => name === "COPY")
    .map(({ rest }) => {
      const words = rest.split(/\s+/);
      const from = words[0]?.startsWith("--from=") ? words.shift()?.slice("--from=".length) : null;
      const target = words.pop() ?? "";
      return { from: from ?? null, sources: words, target };
    });
}

/** The words of an instruction in exec form: a JSON array of strings. */
export function execForm(text: string): readonly string[] {
  const words: unknown = JSON.parse(text);
  if (Array.isArray(words) && words.every((word) => typeof word === "string")) return words;
  throw new Error(`not in exec form: ${text}`);
}

function instructions(text: string): Instruction[] {
  const lines = text.split("\n").filter((line) => !/^\s*#/.test(line) && line.trim() !== "");
  const joined = lines.join("\n").replaceAll(/\\\n\s*/g, " ");
  return joined.split("\n").map((line) => {
    const [, name = "", rest = ""] = /^([A-Za-z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === "") throw new Error(`not an instruction: ${line}`);
    return { name: name.toUpperCase(), rest };
  });
}
