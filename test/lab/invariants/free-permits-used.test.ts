/** A waiter who times out beside a free permit is told; one who could not have been let in is not. */
import { expect, it } from 'vitest';
import { freePermitsUsed } from '../../../src/lab/invariants/free-permits-used.ts';
import type { PolicyCall } from '../../../src/lab/invariants/invariant.ts';
import type { ResolvedScenario } from '../../../src/lab/resolve.ts';

/** At, method, what it was given after `now`, and its answer. */
type Asked = readonly [at: number, method: string, given: unknown, answer?: unknown];

const waiter = { id: 7 };
const shed = (cause: string) => ({ kind: 'shed', request: waiter, cause });

/** A queue with no room that is asked this; each input is drained. */
function violations(queue: string, ...asked: readonly Asked[]): string[] {
  const told: string[] = [];
  const scenario = { policies: { queue: { name: queue } } } as unknown as ResolvedScenario;
  const watcher = freePermitsUsed.watch(scenario, ({ message }) => told.push(message));
  const call = (at: number, method: string, args: readonly unknown[], answer: unknown): void => {
    watcher.call?.({ at, role: 'queue', policy: queue, method, args, answer } satisfies PolicyCall);
  };
  for (const [at, method, given, answer] of [[0, 'capacityChanged', 0] as const, ...asked]) {
    if (method === 'take') call(at, 'take', [], answer);
    else call(at, method, [at, given], answer);
    if (method !== 'wake') call(at, 'take', [], undefined);
  }
  return told;
}

const offered: Asked = [1e6, 'offer', waiter, 'queued'];
const room: Asked = [2e6, 'capacityChanged', 2];
const wakes: Asked = [5e6, 'wake', undefined];

it('is told with the time that the permit lay free', () => {
  const [message, ...more] = violations('mine', offered, room, wakes, [5e6, 'take', undefined, shed('queue-timeout')]);
  expect(message).toBe(
    'queue mine sheds request 7 as queue-timeout, though 0 permits of 2 are out ' +
      'and one has been free for 3 s of its wait',
  );
  expect(more).toEqual([]);
});

it('is not told where there was no room, none but at that instant, or another reason', () => {
  const timesOut: Asked = [5e6, 'take', undefined, shed('queue-timeout')];
  expect(violations('mine', offered, wakes, timesOut)).toEqual([]);
  expect(violations('mine', offered, [5e6, 'capacityChanged', 2], wakes, timesOut)).toEqual([]);
  expect(violations('mine', offered, room, wakes, [5e6, 'take', undefined, shed('rate-limited')])).toEqual([]);
});

it('is not told of queues that keep permits back on purpose', () => {
  const timesOut: Asked = [5e6, 'take', undefined, shed('queue-timeout')];
  for (const name of ['token-bucket', 'priority']) {
    expect(violations(name, offered, room, wakes, timesOut)).toEqual([]);
  }
});
