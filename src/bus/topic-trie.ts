import { isReserved, type Topic, type TopicFilter } from "./topic.ts";

interface Node<T> {
  value: T | undefined;
  /** Created with the first child: most nodes are leaves, and an empty Map is 200 bytes. */
  children: Map<string, Node<T>> | null;
}

/**
 * Values by topic, found by filter: the cost of a look-up follows the levels it visits, not the
 * number of topics kept.
 */
export class TopicTrie<T> {
  readonly #root: Node<T> = { value: undefined, children: null };
  #size = 0;
  #nodes = 0;

  get size(): number {
    return this.#size;
  }

  /** Levels held, those shared by several topics once: what the trie's memory follows. */
  get nodeCount(): number {
    return this.#nodes;
  }

  get(topic: Topic): T | undefined {
    let node: Node<T> | undefined = this.#root;
    for (const level of topic.split("/")) {
      node = node.children?.get(level);
      if (node === undefined) return undefined;
    }
    return node.value;
  }

  set(topic: Topic, value: T): void {
    let node = this.#root;
    for (const level of topic.split("/")) {
      node.children ??= new Map();
      let child = node.children.get(level);
      if (child === undefined) {
        child = { value: undefined, children: null };
        node.children.set(level, child);
        this.#nodes += 1;
      }
      node = child;
    }
    if (node.value === undefined) this.#size += 1;
    node.value = value;
  }

  /** Removes the value and every node that only led to it. */
  delete(topic: Topic): void {
    const levels = topic.split("/");
    const path: Node<T>[] = [this.#root];
    for (const level of levels) {
      const next = path[path.length - 1]?.children?.get(level);
      if (next === undefined) return;
      path.push(next);
    }
    const leaf = path[path.length - 1];
    if (leaf === undefined || leaf.value === undefined) return;
    leaf.value = undefined;
    this.#size -= 1;
    for (let depth = levels.length; depth > 0; depth -= 1) {
      const node = path[depth];
      const parent = path[depth - 1];
      if (node === undefined || parent === undefined || parent.children === null) return;
      if (node.value !== undefined || node.children !== null) return;
      parent.children.delete(levels[depth - 1] ?? "");
      this.#nodes -= 1;
      if (parent.children.size === 0) parent.children = null;
    }
  }

  /** Calls `visit` with every value whose topic the filter matches (MQTT §4.7). */
  match(filter: TopicFilter, visit: (value: T) => void): void {
    walk(this.#root, filter.split("/"), 0, visit);
  }
}

function walk<T>(
  node: Node<T>,
  levels: readonly string[],
  depth: number,
  visit: (value: T) => void,
): void {
  const level = levels[depth];
  if (level === undefined) {
    if (node.value !== undefined) visit(node.value);
    return;
  }
  if (level === "#") {
    // The parent level itself is matched too [MQTT-4.7.1-2]; the root has no name to match.
    if (depth > 0 && node.value !== undefined) visit(node.value);
    visitBelow(node, depth === 0, visit);
    return;
  }
  if (level === "+") {
    if (node.children === null) return;
    for (const [name, child] of node.children) {
      if (depth === 0 && isReserved(name)) continue;
      walk(child, levels, depth + 1, visit);
    }
    return;
  }
  const child = node.children?.get(level);
  if (child !== undefined) walk(child, levels, depth + 1, visit);
}

function visitBelow<T>(node: Node<T>, skipsReserved: boolean, visit: (value: T) => void): void {
  if (node.children === null) return;
  for (const [name, child] of node.children) {
    if (skipsReserved && isReserved(name)) continue;
    if (child.value !== undefined) visit(child.value);
    visitBelow(child, false, visit);
  }
}
