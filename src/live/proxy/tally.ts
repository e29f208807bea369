/**
 * Counts by labels, on the path of every request. A counter of prom-client hashes its labels at each step, several
 * microseconds a request in all; here that is a look into a map for each label, and prom-client reads the counts when
 * asked.
 */

/** What was counted of the labels on the way to it. */
interface Node {
  count: number;
  readonly next: Map<string, Node>;
}

export class Tally {
  readonly #root = newNode();

  /** One more, or `by` more, of these labels. */
  inc(labels: readonly string[], by = 1): void {
    let node = this.#root;
    for (const label of labels) {
      let next = node.next.get(label);
      if (next === undefined) node.next.set(label, (next = newNode()));
      node = next;
    }
    node.count += by;
  }

  entries(): Iterable<readonly [labels: readonly string[], count: number]> {
    return entriesBelow(this.#root, []);
  }
}

function newNode(): Node {
  return { count: 0, next: new Map() };
}

function* entriesBelow(
  node: Node,
  labels: readonly string[],
): Iterable<readonly [labels: readonly string[], count: number]> {
  if (node.count > 0) yield [labels, node.count];
  for (const [label, next] of node.next) yield* entriesBelow(next, [...labels, label]);
}
