/**
 * What upstream DataDesigner did (dataset/request_admission.jsonl.gz of the folder SPILLWAY_VECTORS, default
 * ../shared/vectors) against the variant `datadesigner-head`, op by op and to the last digit.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { Comparison, type Tally } from './groups/request-admission-compare.ts';
import { readSequences } from './groups/request-admission-records.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const folder = resolve(ROOT, process.env['SPILLWAY_VECTORS'] ?? '../shared/vectors');
const path = join(folder, 'dataset/request_admission.jsonl.gz');
const present = existsSync(path);
const CLASSES = new Set([
  ...['sync_basic', 'sync_boundary', 'sync_ramp', 'sync_multi'],
  ...['async_wait', 'async_multi', 'async_stall', 'async_ramp', 'scripted'],
]);

describe.skipIf(!present)(`request admission vectors${present ? '' : ` (skipped: no ${path})`}`, () => {
  const sequences = present ? readSequences(gunzipSync(readFileSync(path)).toString('utf8')) : [];
  const compared = new Map<string, number>();
  const tally: Tally = {
    ops: 0,
    answers: 0,
    waitsEnded: 0,
    events: 0,
    eventsLate: 0,
    grantsEarly: 0,
    statesLeftOut: 0,
  };

  for (const name of new Set(sequences.map(({ head }) => head.class))) {
    const ofClass = sequences.filter(({ head }) => head.class === name);
    if (!CLASSES.has(name)) {
      it(`${name}: is a class that is compared`, () => {
        expect.fail(`request_admission.jsonl.gz has an unknown class: ${name}`);
      });
      continue;
    }
    it(`${name}: answers as upstream (${ofClass.length} sequences)`, () => {
      for (const sequence of ofClass) {
        new Comparison(sequence, tally).run();
        compared.set(name, (compared.get(name) ?? 0) + 1);
      }
    });
  }

  it('compares sequences with and without waiters', () => {
    expect(sequences.length).toBeGreaterThan(0);
    expect(tally.answers * tally.waitsEnded * tally.events).toBeGreaterThan(0);
  });

  afterAll(() => {
    const done = [...compared.values()].reduce((sum, count) => sum + count, 0);
    console.log(
      `request admission vectors: ${done} of ${sequences.length} sequences compared, 0 left out ` +
        `(${[...compared].map(([name, count]) => `${name} ${count}`).join(', ')}): ${tally.ops} ops, ` +
        `${tally.answers} answers, ${tally.waitsEnded} waits, ${tally.events} events ` +
        `(in ${tally.eventsLate} ops shown later); async_ramp: ${tally.grantsEarly} grants at a later poll, ` +
        `states of ${tally.statesLeftOut} ops left out`,
    );
  });
});
