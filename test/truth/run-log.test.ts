import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRunLog, type RunLogOptions } from '../../src/truth/run-log.ts';
import { folderWith } from './synthetic-log.ts';

const META = {
  model: 'a/model',
  vllm_version: '0.19.0',
  dataset_path: 'w.jsonl',
  num_gpu_blocks: 101,
  block_size: 16,
  engine_kwargs: { max_num_seqs: 4, max_num_batched_tokens: 64, max_model_len: null },
};
const TICKS = 't,running,waiting,kv_cache_pct\n1.0,2,0,12.5\n2.0,3,1,50.0\n';

interface Row {
  readonly request_id: string;
  readonly input_toks: number;
  readonly output_toks: number;
  readonly queued_ts: number | null;
  readonly first_token_ts: number | null;
  readonly last_token_ts: number | null;
}

function rowsOf(count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    ...{ request_id: `bench-${i}`, input_toks: 32, output_toks: 3, arrival_time: 9, scheduled_ts: 50 + i },
    ...{ queued_ts: 50 + i, first_token_ts: 50.5 + i, last_token_ts: 51 + i },
  }));
}

function linesOf(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

const ROWS = rowsOf(10);
const PLAN = ROWS.map(({ input_toks, output_toks }, i) => {
  return { input_toks, output_toks, arrival_time_ns: 250_000_000 + i, hash_ids_16: [i, i + 1] };
});

function runFolder(over: Readonly<Record<string, string>> = {}): string {
  return folderWith({
    'meta.json': JSON.stringify(META),
    'requests.jsonl': linesOf(ROWS),
    'w.jsonl': linesOf(PLAN),
    'timeseries.csv': TICKS,
    ...over,
  });
}

function complaint(over: Readonly<Record<string, string>>, options?: RunLogOptions): string {
  const folder = runFolder(over);
  try {
    readRunLog(folder, options);
  } catch (error) {
    return (error as Error).message.replaceAll(folder, 'F');
  }
  return '';
}

describe('a measured run', () => {
  it('is read with instants from the first queued one', () => {
    const log = readRunLog(runFolder());
    expect(log.model).toBe('a/model');
    expect(log.software).toBe('vLLM 0.19.0');
    expect(log.requests[2]).toEqual({
      ...{ id: 'bench-2', promptTokens: 32, outputTokens: 3, hashIds: [2, 3] },
      ...{ queuedAt: 2e6, firstTokenAt: 2.5e6, lastTokenAt: 3e6 },
    });
    expect(log.ticks).toMatchObject([{ running: 2, kvUsageRatio: 0.125 }, { running: 3, kvUsageRatio: 0.5 }]);
    expect(log.hardware).toBeUndefined();
    expect(log.notes).toEqual([]);
  });

  it('tells of the engine, one block less than vLLM counts', () => {
    expect(readRunLog(runFolder()).engine).toEqual({
      ...{ maxRunning: 4, maxBatchedTokens: 64, maxModelTokens: Infinity, blocks: 100, blockTokens: 16 },
      ...{ prefixCache: true, chunkedPrefill: true, schedulesAhead: true },
    });
  });

  it('finds the pool wherever meta.json has it, and takes a given one first', () => {
    const { num_gpu_blocks, block_size, ...rest } = META;
    const nested = JSON.stringify({ ...rest, cache: { config: { num_gpu_blocks, block_size } } });
    expect(readRunLog(runFolder({ 'meta.json': nested })).engine).toMatchObject({ blocks: 100, blockTokens: 16 });
    const overridden = JSON.stringify({ ...rest, block_size, engine_kwargs: { num_gpu_blocks_override: 51 } });
    expect(readRunLog(runFolder({ 'meta.json': overridden })).engine.blocks).toBe(50);
    expect(readRunLog(runFolder(), { blocks: 7, blockTokens: 8 }).engine).toMatchObject({ blocks: 7, blockTokens: 8 });
  });

  it('schedules ahead as the flag says, else meta.json, else the version', () => {
    const ahead = (meta: object, schedulesAhead?: boolean): boolean => {
      const folder = runFolder({ 'meta.json': JSON.stringify({ ...META, ...meta }) });
      return readRunLog(folder, { schedulesAhead }).engine.schedulesAhead;
    };
    expect(ahead({ vllm_version: '0.14.1' })).toBe(true);
    expect(ahead({ vllm_version: '0.13.0' })).toBe(false);
    expect(ahead({ vllm_version: '1.0' })).toBe(true);
    const told = { engine_kwargs: { ...META.engine_kwargs, async_scheduling: false } };
    expect(ahead({ vllm_version: '0.19', ...told })).toBe(false);
    expect(ahead({ vllm_version: '0.19' }, false)).toBe(false);
  });

  it('takes from what vLLM made of its settings what was not given', () => {
    const kwargs = { engine_kwargs: { max_num_seqs: 4, max_num_batched_tokens: null } };
    const scheduler = { max_num_seqs: 9, max_num_batched_tokens: 512, async_scheduling: false };
    const resolved = { scheduler, cache: { enable_prefix_caching: false, num_gpu_blocks: 7 } };
    const meta = { ...META, ...kwargs, hardware: { device_name: 'gpu', device_count: 2 }, resolved_config: resolved };
    const log = readRunLog(runFolder({ 'meta.json': JSON.stringify(meta) }));
    expect(log.engine).toMatchObject({ maxRunning: 4, maxBatchedTokens: 512, blocks: 100 });
    expect(log.engine).toMatchObject({ schedulesAhead: false, prefixCache: false, chunkedPrefill: true });
    expect(log.hardware).toBe('2 × gpu');
  });

  it('finds shared prefixes in the tokens of prompts where the workload has no identities', () => {
    const plan = PLAN.map(({ hash_ids_16: _, ...row }, i) => {
      return { ...row, input_tok_ids: Array.from({ length: 32 }, (__, k) => (k < 16 ? 0 : i)) };
    });
    const { requests } = readRunLog(runFolder({ 'w.jsonl': linesOf(plan) }));
    expect(requests.slice(0, 3).map(({ hashIds }) => hashIds)).toEqual([[0, 1], [0, 2], [0, 3]]);
  });

  it('says where a version admitted prompts otherwise than the replay does', () => {
    const notes = (version: string): readonly string[] => {
      return readRunLog(runFolder({ 'meta.json': JSON.stringify({ ...META, vllm_version: version }) })).notes;
    };
    expect(notes('0.18.1')).toEqual([
      'vLLM 0.18.1 admitted a prompt by its first chunk; the replay, when all of it fits',
    ]);
    expect([...notes('0.19.0'), ...notes('1.0'), ...notes('of today')]).toEqual([]);
  });

  it('is put in the order of queueing, and its prompts found by the number of their id', () => {
    const folder = runFolder({ 'requests.jsonl': linesOf([...ROWS].reverse()) });
    const { requests } = readRunLog(folder);
    expect(requests.map(({ id }) => id)).toEqual(ROWS.map(({ request_id }) => request_id));
    expect(requests.map(({ hashIds }) => hashIds[0])).toEqual(PLAN.map((_, i) => i));
  });

  it('says what it left out, and what it did not read', () => {
    const rows = rowsOf(12).map((row, i) => {
      if (i === 3) return { ...row, first_token_ts: null, last_token_ts: null };
      return i === 5 ? { ...row, queued_ts: null, first_token_ts: null, last_token_ts: null } : row;
    });
    const plan = linesOf([...PLAN, ...PLAN]);
    const requests = linesOf(rows.map((row) => ({ ...row, spec_tokens: 1 })));
    const ticks = TICKS.replace(/12.5|50.0/g, '0.0');
    const log = readRunLog(runFolder({ 'requests.jsonl': requests, 'w.jsonl': plan, 'timeseries.csv': ticks }));
    expect(log.requests).toHaveLength(10);
    expect(log.notes).toEqual([
      'requests.jsonl: fields not read: spec_tokens',
      'requests.jsonl: 2 requests without tokens are left out of the replay',
      'timeseries.csv: kv_cache_pct is 0 throughout: KV usage is not compared',
    ]);
    expect(log.ticks[0]?.kvUsageRatio).toBeUndefined();
  });

  it('needs no workload when prompts share nothing', () => {
    const folder = runFolder({ 'meta.json': JSON.stringify({ ...META, dataset_path: 'gone' }) });
    expect(readRunLog(folder, { workload: 'none' }).requests[0]?.hashIds).toEqual([]);
    const other = join(folder, 'other.jsonl');
    writeFileSync(other, linesOf(PLAN));
    expect(readRunLog(folder, { workload: other }).requests[0]?.hashIds).toEqual([0, 1]);
  });
});

describe('a broken run', () => {
  const { num_gpu_blocks: _, block_size: __, ...noPool } = META;
  const flags = 'allowed there, or --kv-blocks N and --block-tokens N';
  const help = 'allowed --workload FILE, or --workload none when prompts share nothing';
  it.each<[Readonly<Record<string, string>>, string]>([
    [{ 'meta.json': JSON.stringify(noPool) }, `F/meta.json num_gpu_blocks and block_size: missing; ${flags}`],
    [{ 'meta.json': JSON.stringify({ ...noPool, block_size: 16 }) }, `F/meta.json num_gpu_blocks: missing; ${flags}`],
    [{ 'meta.json': '{"model": "m"}' }, 'F/meta.json engine_kwargs: missing; allowed a mapping of keys to values'],
    [
      { 'meta.json': JSON.stringify({ ...META, dataset_path: 'gone.jsonl' }) },
      `F/meta.json dataset_path: value "gone.jsonl": no such file; ${help}`,
    ],
    [
      { 'meta.json': JSON.stringify({ ...META, num_requests: 12 }) },
      'F/requests.jsonl: 10 requests; allowed 12, as num_requests of meta.json says',
    ],
    [
      { 'requests.jsonl': linesOf(ROWS).slice(0, -20) },
      'F/requests.jsonl:10 value "{\\"request_id\\":\\"bench-9\\",\\"input_toks\\":32,\\"output_t...: ' +
        'not JSON; allowed one whole JSON object a line',
    ],
    [
      { 'requests.jsonl': linesOf(ROWS.map(({ queued_ts: ___, ...row }) => row)) },
      'F/requests.jsonl:1 queued_ts: missing; allowed a number',
    ],
    [
      { 'requests.jsonl': linesOf(ROWS.map((row) => ({ ...row, first_token_ts: (row.queued_ts ?? 0) - 1 }))) },
      'F/requests.jsonl:1 first_token_ts: value 49; allowed queued_ts ≤ first_token_ts ≤ last_token_ts',
    ],
    [{ 'requests.jsonl': linesOf(ROWS.slice(0, 3)) }, 'F/requests.jsonl: 3 requests with tokens; allowed at least 10'],
    [
      { 'w.jsonl': linesOf(PLAN.slice(0, 4)) },
      'F/requests.jsonl:5 input_toks: value 32; allowed what the workload F/w.jsonl says (4 lines); see --workload',
    ],
    [
      { 'w.jsonl': linesOf(PLAN.map((row) => ({ ...row, input_toks: 33 }))) },
      'F/requests.jsonl:1 input_toks: value 32; allowed what the workload F/w.jsonl says (33 on line 1);' +
        ' see --workload',
    ],
    [
      { 'timeseries.csv': TICKS.replace('running,', 'runing,') },
      'F/timeseries.csv:2 running: missing; allowed a number',
    ],
  ])('ends with one message %#', (over, message) => expect(complaint(over)).toBe(message));
});
