/**
 * smg's recorded inputs and outputs (gateway.json of the folder SPILLWAY_VECTORS, default ../shared/vectors)
 * against the historic variants of our policies. Every group is compared exactly, left out with a written
 * reason, or fails as unknown.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { breakerGroups } from './groups/breaker.ts';
import { capacityGroups } from './groups/capacity.ts';
import type { Handlers } from './groups/handler.ts';
import { healthGroups } from './groups/health.ts';
import { leftOut } from './groups/left-out.ts';
import { priorityAdmissionGroups } from './groups/priority-admission.ts';
import { priorityPoolGroups } from './groups/priority-pool.ts';
import { priorityGroups } from './groups/priority.ts';
import { rateGroups } from './groups/rate.ts';
import { retryGroups } from './groups/retry.ts';
import { routerGroups } from './groups/router.ts';
import { routingGroups } from './groups/routing.ts';
import { scrapingGroups } from './groups/scraping.ts';

interface Vector {
  readonly id: string;
  readonly in: unknown;
  readonly out: unknown;
}

const ROOT = resolve(import.meta.dirname, '../..');
const path = join(resolve(ROOT, process.env['SPILLWAY_VECTORS'] ?? '../shared/vectors'), 'gateway.json');
const compared: Handlers = {
  ...{ ...capacityGroups, ...retryGroups, ...routerGroups, ...routingGroups, ...breakerGroups, ...healthGroups },
  ...{ ...rateGroups, ...priorityGroups, ...priorityPoolGroups, ...priorityAdmissionGroups, ...scrapingGroups },
};

const found = existsSync(path);
if (!found) console.log(`gateway vectors: skipped, there is no ${path}`);

describe.skipIf(!found)('gateway vectors', () => {
  const groups = found ? readGroups() : {};
  const counts = { groups: 0, vectors: 0, leftOutGroups: 0, leftOutVectors: 0 };
  const reasons: string[] = [];

  for (const [name, vectors] of Object.entries(groups)) {
    const handler = compared[name] as ((input: unknown) => unknown) | undefined;
    const reason = leftOut[name];
    if (handler !== undefined) {
      counts.groups++;
      counts.vectors += vectors.length;
      it(`${name}: answers as upstream (${vectors.length} vectors)`, () => {
        for (const vector of vectors) {
          expect({ id: vector.id, out: handler(vector.in) }).toEqual({ id: vector.id, out: vector.out });
        }
      });
    } else if (reason !== undefined) {
      counts.leftOutGroups++;
      counts.leftOutVectors += vectors.length;
      reasons.push(`  ${name} (${vectors.length}): ${reason}`);
    } else {
      it(`${name}: is a group that is compared or left out with a reason`, () => {
        expect.fail(`gateway.json has an unknown group: ${name}`);
      });
    }
  }

  it('compares or explains each group once', () => {
    expect(Object.keys(leftOut).filter((name) => name in compared)).toEqual([]);
    expect(counts.groups).toBeGreaterThan(0);
  });

  afterAll(() => {
    const { groups: done, vectors, leftOutGroups, leftOutVectors } = counts;
    const summary = `gateway vectors: ${done} groups with ${vectors} vectors compared, `;
    console.log(`${summary}${leftOutGroups} groups with ${leftOutVectors} vectors left out:\n${reasons.join('\n')}`);
  });
});

function readGroups(): Record<string, readonly Vector[]> {
  const file = JSON.parse(readFileSync(path, 'utf8')) as { groups: Record<string, { vectors: Vector[] }> };
  return Object.fromEntries(Object.entries(file.groups).map(([name, group]) => [name, group.vectors]));
}
