/** What every router keeps, under any fleet, prompts and keys; and what a sticky key keeps besides. */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { Manual, manual } from '../../../policies/router/manual.ts';
import type { WorkerView } from '../../../policies/types.ts';
import { claimEqual } from '../../harness/claim.ts';
import { assertRuns, POLICY_RUNS } from '../../harness/gateway-runs.ts';
import { requestView, workerView } from '../views.ts';
import { Driver, history, routerSettings, SeededRouter } from './driver.ts';

const SEED = 7251730;
const FILE = 'test/policies/router/routers.property.test.ts';

describe('every router', () => {
  /** May it answer that nobody takes the request? */
  const mayWait = (name: string, variant: string) => variant !== '' && ['prefix-hash', 'bucket'].includes(name);

  const picks = 'picks a candidate under any history';
  it.each(routerSettings)(`${picks}: %s %s`, { timeout: 600_000 }, (name, variant, entry) => {
    const property = fc.property(fc.nat(), history, (salt, steps) => {
      const driver = new Driver(new SeededRouter(entry, variant, salt).router, mayWait(name, variant));
      for (const each of steps) driver.run(each);
      driver.drain();
    });
    // A new ring costs 750 hashes; WorkerRing has a property of its own.
    const numRuns = /hash/.test(name) ? POLICY_RUNS / 50 : POLICY_RUNS;
    assertRuns(property, { seed: SEED, numRuns, file: FILE, title: `${picks}: ${name} ${variant}` });
  });

  const goesOn = 'goes on from what it told as if nothing had happened';
  // The variants of a ring router tell what its default tells, and twins need two rings.
  const telling = routerSettings.filter(([name, variant]) => variant === '' || !/hash/.test(name));
  it.each(telling)(`${goesOn}: %s %s`, { timeout: 600_000 }, (name, variant, entry) => {
    const property = fc.property(fc.nat(), history, history, (salt, before, after) => {
      const original = new SeededRouter(entry, variant, salt);
      const driver = new Driver(original.router, mayWait(name, variant));
      for (const each of before) driver.run(each);
      driver.join(new SeededRouter(entry, variant, original.state).router);
      for (const each of after) driver.run(each);
      driver.drain();
    });
    const numRuns = /hash/.test(name) ? POLICY_RUNS / 100 : POLICY_RUNS / 5;
    assertRuns(property, { seed: SEED, numRuns, file: FILE, title: `${goesOn}: ${name} ${variant}` });
  });
});

describe('Manual', () => {
  const title = 'keeps a key with its worker while that is a candidate and the key is in use';
  it(title, { timeout: 600_000 }, () => {
    const use = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      workers: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
      us: fc.nat({ max: 12 }),
    });
    const property = fc.property(fc.array(use, { maxLength: 60, size: 'max' }), fc.nat(), (uses, salt) => {
      const draws = [0.1, 0.9, 0.4, 0.7];
      let draw = salt % 4;
      const rng = () => draws[draw++ % 4] as number;
      const router = new Manual({ ...manual.config.parse({ name: 'manual' }), maxIdle: 10, keysMax: 3 }, rng);
      const remembered = new Map<string, { workers: number[]; usedAt: number }>();
      let now = 0;
      for (const { key, workers, us } of uses) {
        now += us;
        for (const [other, { usedAt }] of [...remembered]) if (usedAt + 10 <= now) remembered.delete(other);
        const picked = workers[router.pick(now, requestView({ routingKey: key }), views(workers))] as number;
        const known = remembered.get(key)?.workers ?? [];
        const kept = known.find((index) => workers.includes(index));
        if (kept !== undefined) claimEqual(picked, kept, 'the worker of a known key');
        else known.push(picked);
        remembered.delete(key);
        remembered.set(key, { workers: known.slice(-2), usedAt: now });
        if (remembered.size > 3) remembered.delete([...remembered.keys()][0] as string);
        claimEqual(router.keys, remembered.size, 'keys remembered');
      }
    });
    assertRuns(property, { seed: SEED, numRuns: POLICY_RUNS, file: FILE, title });
  });
});

function views(workers: readonly number[]): WorkerView[] {
  return workers.map((index) => workerView({ index }));
}
