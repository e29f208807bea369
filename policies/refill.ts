/** Fills a collection that a policy keeps for good with what a snapshot of it held. */

export function refill<Key, Value>(into: Map<Key, Value>, from: ReadonlyMap<Key, Value>): void {
  into.clear();
  for (const [key, value] of from) into.set(key, value);
}
