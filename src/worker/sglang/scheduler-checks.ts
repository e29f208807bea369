/** Invariants over all parts of the engine: where each request is, and whose every page is. */
import { assert } from '../../kernel/assert.ts';
import type { RadixNode } from './radix-node.ts';
import type { SglangScheduler } from './sglang-scheduler.ts';
import type { SglangSequence } from './sglang-sequence.ts';

/**
 * `inPass`: tokens that each member of the decode batch computes now; `leaving`: out of the batch, with their pages.
 */
export function checkScheduler<Owner>(
  scheduler: SglangScheduler<Owner>,
  leaving: readonly SglangSequence<Owner>[],
  byOwner: ReadonlyMap<Owner, SglangSequence<Owner>>,
  inPass: number,
): void {
  const { batch, waiting, pages } = scheduler;
  const computing = new Set(scheduler.prefilling);
  if (scheduler.chunked !== undefined) computing.add(scheduler.chunked);
  const places = [...batch.members, ...computing, ...leaving, ...waiting];
  assert(new Set(places).size === places.length, 'a request is in two places of the engine');
  for (const sequence of places) {
    assert(byOwner.get(sequence.init.owner) === sequence, 'an engine holds a request that it does not know');
    assert(sequence.generated <= sequence.outputLimit, 'a request generated more than its limit');
    assert(sequence.computed + sequence.scheduled <= sequence.known, 'a request computed tokens that are not known');
  }
  assert(places.length === byOwner.size, 'a request is in no place of the engine');
  for (const sequence of waiting) {
    assert(sequence.node === undefined && sequence.computed === 0, 'a waiting request holds pages');
  }
  const holders: RadixNode[] = [];
  let heldPages = 0;
  const count = (sequence: SglangSequence<Owner>, tokens: number) => {
    assert(sequence.node !== undefined, 'a request in the batch locks no prefix');
    holders.push(sequence.node);
    const held = pages.held(sequence, tokens);
    assert(held >= 0, 'a request locks more than it computed');
    heldPages += held;
  };
  for (const sequence of batch.members) count(sequence, inPass);
  for (const sequence of computing) count(sequence, sequence.scheduled);
  for (const sequence of leaving) count(sequence, 0);
  batch.checkInvariants();
  scheduler.tree.checkInvariants(holders);
  scheduler.pool.checkInvariants(heldPages);
}
