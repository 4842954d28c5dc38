import { posix } from "node:path";
import { PACKAGE_HOMES, PART_RULES, type PartRule, TEXT_RULES } from "./architecture-rules.ts";

/** Modules by their path below `src/`, with their source text. */
export type Modules = ReadonlyMap<string, string>;

/** One import or re-export of a module. */
interface Import {
  readonly target: string;
  readonly isTypeOnly: boolean;
}

/** Everything in which the modules break the architecture, one sentence each. */
export function findViolations(modules: Modules): string[] {
  const violations: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [path, source] of modules) {
    const code = withoutComments(source);
    const imports = importsOf(code);
    const rule = PART_RULES.find(({ part }) => covers(part, path));
    violations.push(...textViolations(path, code));
    if (rule === undefined) violations.push(`${path} is in no part of the architecture`);
    else violations.push(...imports.flatMap((each) => importViolations(path, rule, each)));
    graph.set(path, valueEdges(path, imports));
  }
  return [...violations, ...findCircles(graph)];
}

/** Files: `a/b.ts`. Everything in a folder: `a/`. The folder's own files only: `a/*`. */
function covers(part: string, path: string): boolean {
  if (part.endsWith("/*")) return posix.dirname(path) === part.slice(0, -2);
  return part.endsWith("/") ? path.startsWith(part) : path === part;
}

function textViolations(path: string, code: string): string[] {
  const found = TEXT_RULES.filter(
    ({ pattern, allowedIn }) =>
      pattern.test(code) && !allowedIn.some((allowed) => covers(allowed, path)),
  ).map(({ name }) => `${path} holds ${name}`);
  if (posix.basename(path) === "index.ts") found.push(`${path} is a barrel file`);
  return found;
}

function importViolations(path: string, rule: PartRule, { target, isTypeOnly }: Import): string[] {
  if (target.startsWith(".")) {
    const to = resolve(path, target);
    const allowed = [...rule.mayImport, ...(isTypeOnly ? (rule.mayImportTypes ?? []) : [])];
    const isExcepted = rule.mayNotImport?.some((part) => covers(part, to)) === true;
    if (!isExcepted && allowed.some((part) => covers(part, to))) return [];
    return [`${path} imports ${isTypeOnly ? "types of " : ""}${to}`];
  }
  if (target.startsWith("node:")) return rule.node ? [] : [`${path} imports ${target}`];
  const name = packageName(target);
  const homes = PACKAGE_HOMES[name];
  const isAllowed =
    rule.packages && (homes === undefined || homes.some((home) => covers(home, path)));
  return isAllowed ? [] : [`${path} imports package ${name}`];
}

function valueEdges(path: string, imports: readonly Import[]): string[] {
  return imports
    .filter(({ target, isTypeOnly }) => target.startsWith(".") && !isTypeOnly)
    .map(({ target }) => resolve(path, target));
}

/** `ws/lib/x.js` is of package `ws`, `@scope/name/x` of `@scope/name`. */
function packageName(target: string): string {
  const parts = target.split("/");
  return parts.slice(0, target.startsWith("@") ? 2 : 1).join("/");
}

function resolve(from: string, target: string): string {
  return posix.normalize(posix.join(posix.dirname(from), target));
}

const STATIC_IMPORT =
  /^[ \t]*(?:import|export)\s+(type\s+(?!from\b))?(?:[^'"`;]*?\bfrom\s*)?["']([^"']+)["']/gm;
const DYNAMIC_IMPORT = /\bimport\(\s*["']([^"']+)["']/g;

/**
 * `import { type A }` counts as a value import: with `verbatimModuleSyntax` the module is loaded all
 * the same.
 */
function importsOf(code: string): Import[] {
  const imports: Import[] = [];
  for (const [, type, target] of code.matchAll(STATIC_IMPORT)) {
    if (target !== undefined) imports.push({ target, isTypeOnly: type !== undefined });
  }
  for (const [, target] of code.matchAll(DYNAMIC_IMPORT)) {
    if (target !== undefined) imports.push({ target, isTypeOnly: false });
  }
  return imports;
}

/** Comments may name what code may not do. A `//` inside a word, as in a URL, starts none. */
function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "$1");
}

/** Circles among value imports, each once, as the path that comes back to its start. */
function findCircles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = [];
  const finished = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    if (finished.has(path)) return;
    const start = trail.indexOf(path);
    if (start >= 0) {
      circles.push(`circle: ${[...trail.slice(start), path].join(" → ")}`);
      return;
    }
    trail.push(path);
    for (const next of graph.get(path) ?? []) visit(next);
    trail.pop();
    finished.add(path);
  };
  for (const path of graph.keys()) visit(path);
  return circles;
}
