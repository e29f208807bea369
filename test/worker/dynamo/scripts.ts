/** Engines with Dynamo's scheduling, too small for their load, and commands that often fall on ends of passes. */
import fc from 'fast-check';
import { PHASE } from '../../../src/kernel/event-queue.ts';
import type { DynamoEngineConfig } from '../../../src/worker/dynamo/dynamo-engine-config.ts';
import type { TimingConfig } from '../../../src/worker/timing/timing.ts';
import type { JobInit } from '../../../src/worker/worker.ts';
import type { WorkerCommand } from '../../harness/worker-driver.ts';

export interface DynamoScript {
  readonly config: DynamoEngineConfig;
  readonly commands: readonly WorkerCommand[];
}

type Generated<A> = A extends fc.Arbitrary<infer T> ? T : never;

/** Passes of 10 µs, of some µs with a fraction, and those of the mocker (microseconds by the speed-up). */
const timings = fc.constantFrom<'whole' | 'fractional' | 'dynamo'>('whole', 'fractional', 'dynamo', 'dynamo');

function timingOf(kind: Generated<typeof timings>, poolTokens: number): TimingConfig {
  switch (kind) {
    case 'whole':
      return { kind: 'affine', baseUs: 10, perTokenUs: 0, perKvTokenUs: 0 };
    case 'fractional':
      return { kind: 'affine', baseUs: 4.4, perTokenUs: 0.7, perKvTokenUs: 0.13 };
    case 'dynamo':
      return { kind: 'dynamo', speedup: 1000, decodeSpeedup: 2, poolTokens };
    default:
      return kind satisfies never;
  }
}

const configs: fc.Arbitrary<DynamoEngineConfig> = fc
  .record({
    semantics: fc.constantFrom<DynamoEngineConfig['semantics']>('dynamo', 'dynamo', 'trtllm'),
    maxRunning: fc.constantFrom(1, 3, 5, 8, Infinity),
    maxBatchedTokens: fc.constantFrom(4, 8, 20, 40, Infinity),
    blocks: fc.integer({ min: 4, max: 16 }),
    blockTokens: fc.constantFrom(2, 3, 4),
    maxModelTokens: fc.constantFrom(20, Infinity, Infinity),
    maxWaiting: fc.constantFrom(2, Infinity, Infinity, Infinity),
    chunkedPrefill: fc.constantFrom(true, true, false),
    prefixCache: fc.constantFrom(true, true, true, false),
    preemption: fc.constantFrom<DynamoEngineConfig['preemption']>('lifo', 'fifo', 'fifo'),
    ranks: fc.constantFrom(1, 1, 1, 2, 3),
    timing: timings,
  })
  .map(({ timing, ...rest }) => ({
    model: 'dynamo',
    ...rest,
    timing: timingOf(timing, rest.blocks * rest.blockTokens),
  }));

const shape = fc.record({
  promptTokens: fc.integer({ min: 1, max: 12 }),
  outputTokens: fc.oneof({ weight: 1, arbitrary: fc.nat({ max: 3 }) }, { weight: 3, arbitrary: fc.nat({ max: 30 }) }),
  group: fc.nat({ max: 2 }),
  hashIds: fc.array(fc.nat({ max: 1 }), { maxLength: 8, size: 'max' }),
});

/** `hashBlockTokens` is one for a whole script, as it is for a trace. */
function jobOf(owner: number, from: Generated<typeof shape>, hashBlockTokens: number): JobInit<number> {
  const { promptTokens, outputTokens, group } = from;
  const hashIds = group === 0 ? [] : [group, ...from.hashIds];
  return { owner, drawKey: owner, drawTry: 1, promptTokens, outputTokens, hashIds, hashBlockTokens };
}

const gap = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.nat({ max: 8 }).map((n) => n * 5) },
  { weight: 2, arbitrary: fc.nat({ max: 30 }) },
);
/** Which of the latest submissions is meant, counted back. */
const back = fc.nat({ max: 5 });
const phase = fc.constantFrom(PHASE.io, PHASE.arrival, PHASE.wake);
const submitting = fc.record({ kind: fc.constant('submit' as const), gap, phase, shape });
const cancelling = fc.record({ kind: fc.constant('cancel' as const), gap, phase, back });
const slowing = fc.record({ kind: fc.constant('slow' as const), gap, factor: fc.constantFrom(0.5, 1, 2, 1.3) });
const reading = fc.record({ kind: fc.constant('read' as const), gap });
const pausing = fc.record({ kind: fc.constant('pause' as const), gap, forUs: fc.constantFrom(1, 10, 35) });
const crashing = fc.record({ kind: fc.constant('crash' as const), gap });
type Action = Generated<
  typeof submitting | typeof cancelling | typeof slowing | typeof reading | typeof pausing | typeof crashing
>;

function commandsOf(actions: readonly Action[], hashBlockTokens: number): WorkerCommand[] {
  let at = 0;
  let owners = 0;
  return actions.map((each): WorkerCommand => {
    at += each.gap;
    switch (each.kind) {
      case 'submit':
        return { kind: 'submit', at, phase: each.phase, job: jobOf(owners++, each.shape, hashBlockTokens) };
      case 'cancel':
        return { kind: 'cancel', at, phase: each.phase, owner: Math.max(0, owners - 1 - each.back) };
      case 'slow':
        return { kind: 'slow', at, factor: each.factor };
      case 'pause':
        return { kind: 'pause', at, forUs: each.forUs };
      default:
        return { kind: each.kind, at };
    }
  });
}

function scriptsOf(actions: fc.Arbitrary<Action[]>): fc.Arbitrary<DynamoScript> {
  return fc.record({ config: configs, actions, hashBlockTokens: fc.integer({ min: 1, max: 6 }) }).map(
    ({ config, actions: list, hashBlockTokens }) => ({ config, commands: commandsOf(list, hashBlockTokens) }),
  );
}

/** Submissions, cancellations and slow-downs. */
export function dynamoLoads(actionsMax: number): fc.Arbitrary<DynamoScript> {
  const action = fc.oneof(
    { weight: 8, arbitrary: submitting },
    { weight: 3, arbitrary: cancelling },
    { weight: 1, arbitrary: slowing },
  );
  return scriptsOf(fc.array<Action>(action, { maxLength: actionsMax, size: 'max' }));
}

/** These, readings, pauses and crashes. */
export function dynamoScripts(actionsMax: number): fc.Arbitrary<DynamoScript> {
  const action = fc.oneof(
    { weight: 16, arbitrary: submitting },
    { weight: 6, arbitrary: cancelling },
    { weight: 2, arbitrary: slowing },
    { weight: 2, arbitrary: reading },
    { weight: 2, arbitrary: pausing },
    { weight: 1, arbitrary: crashing },
  );
  return scriptsOf(fc.array<Action>(action, { maxLength: actionsMax, size: 'max' }));
}
