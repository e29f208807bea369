/** Our own traces: what a row says, and what is refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Arrival } from '../../../src/workload/arrival.ts';
import { openTrace } from '../../../src/workload/trace.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-trace-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function arrivals(...rows: readonly (object | string)[]): Promise<Arrival[]> {
  const path = join(folder, 'trace.jsonl');
  writeFileSync(path, rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join(''));
  const trace = await openTrace({ kind: 'trace', path, format: 'auto', speed: 1, requests: Infinity });
  const taken: Arrival[] = [];
  while (trace.nextAt() < Infinity) taken.push(trace.take());
  await trace.close();
  return taken;
}

const ROW = { at_us: 5, prompt_tokens: 100, output_tokens: 7 };

describe('a trace of our own', () => {
  it('is told by its first line, and has defaults for what a row leaves out', async () => {
    const full = {
      ...{ at_us: 9, prompt_tokens: 70, output_tokens: 0, tenant: 'a', priority: -2, routing_key: 'k' },
      ...{ block_tokens: 64, hash_ids: [281474976710655, 1] },
    };
    expect(await arrivals(ROW, full, { ...ROW, at_us: 9 })).toMatchObject([
      { at: 5, promptTokens: 100, outputTokens: 7, tenant: 'default', priority: 0, routingKey: '', hashIds: [] },
      {
        ...{ at: 9, promptTokens: 70, outputTokens: 0, tenant: 'a', priority: -2, routingKey: 'k' },
        ...{ hashIds: [281474976710655, 1], hashBlockTokens: 64 },
      },
      { at: 9, tenant: 'default', priority: 0, routingKey: '', hashIds: [], hashBlockTokens: 0 },
    ]);
  });

  it.each([
    ['{', 'no JSON object'],
    [{ ...ROW, at_us: -1 }, 'at_us is -1'],
    [{ ...ROW, prompt_tokens: 0 }, 'prompt_tokens is 0'],
    [{ ...ROW, output_tokens: '7' }, 'output_tokens is'],
    [{ ...ROW, tenat: 'a' }, 'a member "tenat"'],
    [{ ...ROW, tenant: 1 }, 'tenant is 1'],
    [{ ...ROW, priority: 0.5 }, 'priority is 0.5'],
    [{ ...ROW, hash_ids: [1] }, 'block_tokens is'],
    [{ ...ROW, hash_ids: [-1], block_tokens: 64 }, 'hash_ids is'],
    [{ ...ROW, hash_ids: [1, 2, 3], block_tokens: 64 }, 'hash_ids has 3 ids for 100 tokens'],
  ])('refuses %j', async (row, message) => {
    await expect(arrivals(ROW, row)).rejects.toThrow(`trace.jsonl:2: ${message}`);
  });
});
