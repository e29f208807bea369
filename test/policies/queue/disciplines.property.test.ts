import fc from 'fast-check';
import { describe, it } from 'vitest';
import { adaptiveLifo } from '../../../policies/queue/adaptive-lifo.ts';
import { codel } from '../../../policies/queue/codel.ts';
import { deadline } from '../../../policies/queue/deadline.ts';
import { fifo } from '../../../policies/queue/fifo.ts';
import { queueCommands, type QueueClaims, QueueHarness, type Waiting } from './queue-harness.ts';

const SEED = 7251730;
const TIMEOUT_US = 20;
const THRESHOLD_US = 6;
const TARGET_US = 3;
const SERVICE_US = 4;
const context = { rng: () => 0.5 };

const oldest = (_now: number, waiting: readonly Waiting[]) => (waiting[0] as Waiting).id;

const subjects: Record<string, QueueClaims> = {
  fifo: {
    make: (size) => fifo.make({ name: 'fifo', size, timeout: TIMEOUT_US }, context),
    timeoutUs: TIMEOUT_US,
    next: oldest,
  },
  codel: {
    make: (size) =>
      codel.make({ name: 'codel', size, timeout: TIMEOUT_US, interval: 10, target: TARGET_US }, context),
    timeoutUs: TIMEOUT_US,
    next: oldest,
    mayShed: (now, { since }, cause) => cause === 'queue-timeout' && now - since >= 2 * TARGET_US,
  },
  'adaptive-lifo': {
    make: (size) =>
      adaptiveLifo.make({ name: 'adaptive-lifo', size, timeout: TIMEOUT_US, threshold: THRESHOLD_US }, context),
    timeoutUs: TIMEOUT_US,
    next: (now, waiting) => {
      const first = waiting[0] as Waiting;
      return now - first.since >= THRESHOLD_US ? (waiting.at(-1) as Waiting).id : first.id;
    },
  },
  deadline: {
    make: (size) =>
      deadline.make(
        {
          ...{ name: 'deadline', size, timeout: TIMEOUT_US, prediction: 'tokens', weight: 0.1 },
          // A request view has 100 output tokens.
          ...{ perPromptToken: 0, perOutputToken: SERVICE_US / 100 },
        },
        context,
      ),
    timeoutUs: TIMEOUT_US,
    next: (_now, waiting) => waiting.reduce((a, b) => (b.deadlineAt < a.deadlineAt ? b : a)).id,
    mayShed: (now, { deadlineAt }, cause) => cause === 'deadline' && now + SERVICE_US > deadlineAt,
    refuses: (now, deadlineAt) => (now + SERVICE_US > deadlineAt ? 'deadline' : undefined),
  },
};

describe.each(Object.entries(subjects))('queue %s', (_name, claims) => {
  it('keeps its order, permits and bounded waits under any commands, and holds nothing at the end', () => {
    const property = fc.property(fc.constantFrom(0, 1, 3, 8), queueCommands, (size, steps) => {
      const harness = new QueueHarness(size, claims);
      for (const step of steps) harness.run(step);
      harness.drain();
    });
    fc.assert(property, { seed: SEED, numRuns: 120 });
  });
});
