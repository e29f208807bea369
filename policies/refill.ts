/** Fills collections that a policy keeps for good with what a snapshot of them held. */

export function refill<Key, Value>(into: Map<Key, Value>, from: ReadonlyMap<Key, Value>): void {
  into.clear();
  for (const [key, value] of from) into.set(key, value);
}

/** The same for a set. */
export function refillSet<Value>(into: Set<Value>, from: Iterable<Value>): void {
  into.clear();
  for (const value of from) into.add(value);
}
