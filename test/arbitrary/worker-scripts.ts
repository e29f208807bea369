/** Engines too small for their load, and commands at instants that often are ends of passes. */
import fc from 'fast-check';
import { PHASE } from '../../src/kernel/event-queue.ts';
import type { EngineConfig } from '../../src/worker/engine-config.ts';
import type { AffineTimingConfig } from '../../src/worker/timing/affine.ts';
import type { JobInit } from '../../src/worker/worker.ts';
import type { WorkerCommand } from '../harness/worker-driver.ts';

export interface WorkerScript {
  readonly config: EngineConfig;
  readonly commands: readonly WorkerCommand[];
}

type Generated<A> = A extends fc.Arbitrary<infer T> ? T : never;

/** Every pass of the first two lasts 10 µs: commands, on a grid of 5, meet ends of passes all the time. */
const timings = fc.oneof(
  { weight: 2, arbitrary: affine(10, 0, 0) },
  { weight: 1, arbitrary: affine(5, 5, 0) },
  { weight: 1, arbitrary: affine(4.4, 0.7, 0.13) },
);

/** Engines too small for their load. */
export const engineConfigs: fc.Arbitrary<EngineConfig> = fc.record({
  model: fc.constant('engine' as const),
  maxRunning: fc.constantFrom(1, 2, 3, 4, 8),
  maxBatchedTokens: fc.constantFrom(3, 6, 10, 40),
  blocks: fc.integer({ min: 3, max: 14 }),
  blockTokens: fc.constantFrom(1, 2, 3, 4),
  maxModelTokens: fc.constantFrom(24, Infinity),
  maxWaiting: fc.constantFrom(2, Infinity, Infinity),
  chunkedPrefill: fc.constantFrom(true, true, false),
  prefixCache: fc.constantFrom(true, true, true, false),
  scheduling: fc.constantFrom('fcfs' as const, 'fcfs' as const, 'priority' as const),
  preemption: fc.constantFrom('newest' as const, 'newest' as const, 'oldest' as const),
  timing: timings,
});

const shape = fc.record({
  promptTokens: fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 14 }) },
    { weight: 1, arbitrary: fc.integer({ min: 15, max: 40 }) },
  ),
  outputTokens: fc.oneof({ weight: 1, arbitrary: fc.nat({ max: 3 }) }, { weight: 3, arbitrary: fc.nat({ max: 30 }) }),
  priority: fc.nat({ max: 2 }),
  group: fc.nat({ max: 2 }),
  hashIds: fc.array(fc.nat({ max: 1 }), { maxLength: 8, size: 'max' }),
});

/** `hashBlockTokens` is one for a whole script, as it is for a trace. */
function jobOf(owner: number, from: Generated<typeof shape>, hashBlockTokens: number): JobInit<number> {
  const { promptTokens, outputTokens, group, priority } = from;
  const hashIds = group === 0 ? [] : [group, ...from.hashIds];
  const draws = { drawKey: owner, drawTry: 1 };
  return { owner, ...draws, promptTokens, outputTokens, hashIds, hashBlockTokens, priority };
}

const gap = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.nat({ max: 8 }).map((n) => n * 5) },
  { weight: 1, arbitrary: fc.nat({ max: 30 }) },
);
/** Which of the latest submissions is meant, counted back. */
const back = fc.nat({ max: 5 });
const factor = fc.constantFrom(0.5, 1, 2, 1.3);
const phase = fc.constantFrom(PHASE.io, PHASE.arrival, PHASE.wake);
const action = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('submit' as const), gap, phase, shape }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('cancel' as const), gap, phase, back }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('slow' as const), gap, factor }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('read' as const), gap }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pause' as const), gap, forUs: fc.constantFrom(1, 10, 35) }) },
);
const crash = fc.record({ kind: fc.constant('crash' as const), gap });

type Action = Generated<typeof action> | Generated<typeof crash>;

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

/** Submissions, cancellations, slow-downs, pauses, reads and, in some scripts, crashes. */
export function workerScripts(actionsMax: number): fc.Arbitrary<WorkerScript> {
  const actions = fc.oneof(
    { weight: 3, arbitrary: fc.array<Action>(action, { maxLength: actionsMax, size: 'max' }) },
    {
      weight: 1,
      arbitrary: fc.array<Action>(fc.oneof({ weight: 8, arbitrary: action }, { weight: 1, arbitrary: crash }), {
        maxLength: actionsMax,
        size: 'max',
      }),
    },
  );
  return fc.record({ config: engineConfigs, actions, hashBlockTokens: fc.integer({ min: 1, max: 6 }) }).map(
    ({ config, actions: list, hashBlockTokens }) => ({ config, commands: commandsOf(list, hashBlockTokens) }),
  );
}

/** Submissions only. */
export function workerLoads(jobsMax: number): fc.Arbitrary<WorkerScript> {
  const arriving = fc.record({ kind: fc.constant('submit' as const), gap, phase: fc.constant(PHASE.arrival), shape });
  const actions = fc.array(arriving, { minLength: 1, maxLength: jobsMax, size: 'max' });
  return fc.record({ config: engineConfigs, actions, hashBlockTokens: fc.integer({ min: 1, max: 6 }) }).map(
    ({ config, actions: list, hashBlockTokens }) => ({ config, commands: commandsOf(list, hashBlockTokens) }),
  );
}

function affine(baseUs: number, perTokenUs: number, perKvTokenUs: number): fc.Arbitrary<AffineTimingConfig> {
  return fc.constant({ kind: 'affine', baseUs, perTokenUs, perKvTokenUs });
}
