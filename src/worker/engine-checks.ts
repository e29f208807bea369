/** What must hold of an engine between any two events; O(sequences and runs of KV blocks), for tests and `--check`. */
import { assert } from '../kernel/assert.ts';
import type { EngineConfig } from './engine-config.ts';
import type { Run } from './kv-run.ts';
import type { Scheduler } from './scheduler.ts';
import type { Sequence } from './sequence.ts';

/** `inTransfer`: sequences that hold blocks and nothing else. `heldTokens`: tokens a running one has blocks for. */
export function checkEngine<Owner>(
  scheduler: Scheduler<Owner>,
  config: EngineConfig,
  byOwner: ReadonlyMap<Owner, Sequence<Owner>>,
  inTransfer: ReadonlyMap<Owner, Sequence<Owner>>,
  heldTokens: (sequence: Sequence<Owner>) => number,
): void {
  const { running, waiting, decoders, pool } = scheduler;
  assert(running.length <= config.maxRunning, 'more sequences run than max_num_seqs allows');
  assert(running.length + waiting.size === byOwner.size, 'a sequence is in no list of the engine, or in two');
  let counted = 0;
  for (const sequence of waiting) {
    counted++;
    assert(sequence.waiting && byOwner.get(sequence.init.owner) === sequence, 'a stranger waits in the engine');
    assert(!sequence.decoding && sequence.tokensComputed === 0, 'a waiting sequence is computed');
    assert((sequence.prompt?.published ?? 0) === 0, 'a waiting sequence holds KV blocks');
  }
  assert(counted === waiting.size, 'the queue of the engine disagrees with its count');
  let ownBlocks = 0;
  let contextTokens = 0;
  let jobs = 0;
  const holders = new Map<Run, number>();
  for (const sequence of running) {
    assert(!sequence.waiting && byOwner.get(sequence.init.owner) === sequence, 'a stranger runs in the engine');
    assert(sequence.computed <= sequence.known, 'a sequence computed tokens that are not known');
    assert(sequence.generated <= sequence.outputLimit, 'a sequence generated more than its limit');
    ownBlocks += scheduler.blocksOf(heldTokens(sequence)) - (sequence.prompt?.published ?? 0);
    if (sequence.decoding) {
      jobs++;
      contextTokens += sequence.known;
    }
    for (const run of sequence.prompt?.runs() ?? []) holders.set(run, (holders.get(run) ?? 0) + 1);
  }
  for (const [owner, sequence] of inTransfer) {
    assert(!byOwner.has(owner) && !sequence.waiting && !sequence.decoding, 'a sequence in transfer also runs or waits');
    ownBlocks += scheduler.blocksOf(sequence.promptTokens) - (sequence.prompt?.published ?? 0);
    for (const run of sequence.prompt?.runs() ?? []) holders.set(run, (holders.get(run) ?? 0) + 1);
  }
  assert(jobs === decoders.jobs, 'the number of decoding sequences is wrong');
  assert(contextTokens === decoders.contextTokens, 'the context of the decoding sequences is wrong');
  let sharedBlocks = 0;
  for (const [run, count] of holders) {
    assert(run.refs === count, 'the references on a KV block are not those of its holders');
    sharedBlocks += run.end - run.from;
  }
  assert(sharedBlocks === pool.pinnedBlocks(), 'a KV block is in use that no sequence holds');
  assert(ownBlocks + sharedBlocks === pool.used, 'KV blocks in use are not those that sequences hold');
  pool.checkInvariants();
}
