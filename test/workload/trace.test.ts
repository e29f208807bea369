import { stat } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ARRIVALS_MAX, openTrace } from '../../src/workload/trace.ts';
import { CSV_HEADER, drained, handlesOn, readTrace, traceConfig, written } from './trace-files.ts';

const ROWS = 20_000;
const BIG_CSV = CSV_HEADER + Array.from({ length: ROWS }, (_, i) => `${i},${1 + i},${i % 9}\n`).join('');
const COLUMNS = { arrival: 't', arrivalUnit: 'ms', prompt: 'in', output: 'out' } as const;

describe('TraceWorkload', () => {
  it('reads an Azure trace: clock since the first row, carriage returns, no newline at the end', async () => {
    const path = written(
      'TIMESTAMP,ContextTokens,GeneratedTokens\r\n'
        + '2023-11-16 18:17:03.9799600,4808,10\r\n2023-11-16 18:17:04.0319605,3180,8',
    );
    const common = { hashIds: [], hashBlockTokens: 0, tenant: 'default', priority: 0, routingKey: '', user: -1 };
    expect(await readTrace(path)).toEqual([
      { at: 0, promptTokens: 4808, outputTokens: 10, maxOutputTokens: 10, ...common },
      { at: 52_001, promptTokens: 3180, outputTokens: 8, maxOutputTokens: 8, ...common },
    ]);
  });

  it('reads a Mooncake trace: milliseconds as given, a hash id for each 512 tokens', async () => {
    const path = written(
      '\uFEFF{"timestamp": 27, "input_length": 513, "output_length": 5, "hash_ids": [0, 9]}\n'
        + '{"timestamp": 27.5, "input_length": 512, "output_length": 0, "hash_ids": [7], "extra": {"a": 1}}\n'
        + '{"timestamp": 30, "input_length": 5, "output_length": 1}\n\n\n',
    );
    const [first, second, third] = await readTrace(path);
    expect(first).toMatchObject({ at: 27_000, promptTokens: 513, hashIds: [0, 9], hashBlockTokens: 512 });
    expect(second).toMatchObject({ at: 27_500, outputTokens: 0, hashIds: [7], hashBlockTokens: 512 });
    expect(third).toMatchObject({ at: 30_000, hashIds: [], hashBlockTokens: 0 });
  });

  it('reads CSV by the column names given, with quotes, other columns and a byte order mark', async () => {
    const path = written(
      '\uFEFFid,in,"who, really",out,t,prio\n'
        + '1,10,"Åse ""A"" B",2,0.5,-3\n"2","11", plain ,0,"1e3",4\n3,12,,7,1000.0004,0\n',
    );
    const columns = { ...COLUMNS, tenant: 'who, really', priority: 'prio' };
    const rows = await readTrace(path, { columns });
    expect(rows.map((x) => [x.at, x.promptTokens, x.outputTokens, x.tenant, x.priority])).toEqual([
      [500, 10, 2, 'Åse "A" B', -3],
      [1_000_000, 11, 0, 'plain', 4],
      [1_000_000, 12, 7, 'default', 0],
    ]);
  });

  it.each([
    ['us', 1.4, 1],
    ['ms', 1.4, 1400],
    ['s', 1.4, 1_400_000],
  ] as const)('takes numeric times in %s as given, rounded to microseconds', async (arrivalUnit, value, at) => {
    const path = written(`t,in,out\n${value},1,1\n`);
    expect((await readTrace(path, { columns: { ...COLUMNS, arrivalUnit } }))[0]?.at).toBe(at);
  });

  it('counts timestamps of a CSV from its first row', async () => {
    const path = written('t,in,out\n2024-05-10 00:00:00.009930+00:00,1,1\n2024-05-10 00:00:01+00:00,1,1\n');
    const rows = await readTrace(path, { format: 'csv', columns: { ...COLUMNS, arrivalUnit: 'timestamp' } });
    expect(rows.map((x) => x.at)).toEqual([0, 990_070]);
  });

  it('prefers the columns a scenario names to those it would guess', async () => {
    const path = written('TIMESTAMP,ContextTokens,GeneratedTokens,t\nlater,1,1,5\n');
    const columns = { arrival: 't', arrivalUnit: 'ms', prompt: 'ContextTokens', output: 'GeneratedTokens' } as const;
    expect((await readTrace(path, { columns }))[0]?.at).toBe(5000);
  });

  it('divides times by the speed and cuts outputs to what clients allow', async () => {
    const path = written(`${CSV_HEADER}1,1,5\n1.000001,1,50\n`);
    const rows = await readTrace(path, { speed: 3, maxOutput: 20 });
    expect(rows.map((x) => [x.at, x.outputTokens, x.maxOutputTokens])).toEqual([
      [333_333, 5, 20],
      [333_334, 20, 20],
    ]);
  });

  it('never hands out a negative zero', async () => {
    const [row] = await readTrace(written(`${CSV_HEADER}-0,1,-0\n`));
    expect([Object.is(row?.at, 0), Object.is(row?.outputTokens, 0)]).toEqual([true, true]);
  });

  it('knows gzip by its content, whatever the name', async () => {
    expect(await readTrace(written(gzipSync(BIG_CSV)))).toEqual(await readTrace(written(BIG_CSV)));
  });

  it('stops at its limit of requests and has closed the file', async () => {
    const path = written(BIG_CSV);
    const trace = await openTrace(traceConfig(path, { requests: 3 }));
    expect(handlesOn(path)).toBe(0);
    expect((await drained(trace)).map((x) => x.at)).toEqual([0, 1e6, 2e6]);
  });

  it('holds a bounded stretch of a long trace and asks for more when it is used up', async () => {
    // 2 million rows of 6 bytes pack to less than one block of the reader.
    const rows = 2_000_000;
    const path = written(gzipSync(CSV_HEADER + '0,1,1\n'.repeat(rows)));
    const trace = await openTrace(traceConfig(path));
    let taken = 0;
    let mostHeld = 0;
    while (!trace.ended()) {
      let held = 0;
      while (!trace.starved() && !trace.ended()) {
        trace.take();
        held++;
      }
      taken += held;
      mostHeld = Math.max(mostHeld, held);
      if (trace.starved()) await trace.refill();
    }
    expect(taken).toBe(rows);
    expect(mostHeld).toBe(ARRIVALS_MAX);
  }, 30_000);

  it('is starved or ended, never both, and knows no time meanwhile', async () => {
    const trace = await openTrace(traceConfig(written(BIG_CSV)));
    for (let i = 0; i < ROWS; ) {
      if (!trace.starved()) {
        expect(trace.nextAt()).toBe(i++ * 1e6);
        trace.take();
        continue;
      }
      expect([trace.nextAt(), trace.ended()]).toEqual([Infinity, false]);
      expect(() => trace.take()).toThrow('no arrival to take');
      await trace.refill();
    }
    if (trace.starved()) await trace.refill();
    expect([trace.ended(), trace.starved(), trace.nextAt(), trace.total()]).toEqual([true, false, Infinity, undefined]);
  });

  it('leaves a refill without effect while something can still be taken', async () => {
    const trace = await openTrace(traceConfig(written(BIG_CSV)));
    await trace.refill();
    await Promise.all([trace.refill(), trace.refill()]);
    expect(await drained(trace)).toHaveLength(ROWS);
  });
});

describe('closing a trace', () => {
  it.each(['plain', 'gzip'])('ends it half way, twice without harm, and frees the file (%s)', async (kind) => {
    const path = written(kind === 'gzip' ? gzipSync(BIG_CSV) : BIG_CSV);
    const trace = await openTrace(traceConfig(path), 500);
    expect(handlesOn(path)).toBe(process.platform === 'linux' ? 1 : 0);
    await Promise.all([trace.close(), trace.close()]);
    await trace.close();
    expect([trace.ended(), trace.starved(), trace.nextAt()]).toEqual([true, false, Infinity]);
    await trace.refill();
    expect(handlesOn(path)).toBe(0);
  });

  it.each(['plain', 'gzip'])('lets a refill under way end in peace (%s)', async (kind) => {
    const path = written(kind === 'gzip' ? gzipSync(BIG_CSV) : BIG_CSV);
    for (let turns = 0; turns < 30; turns++) {
      const trace = await openTrace(traceConfig(path), 500);
      while (!trace.starved()) trace.take();
      const refill = trace.refill();
      for (let i = 0; i < turns; i++) await Promise.resolve();
      if (turns % 3 === 2) await stat(path);
      await trace.close();
      await refill;
      expect([trace.ended(), trace.starved(), trace.nextAt()]).toEqual([true, false, Infinity]);
      expect(handlesOn(path)).toBe(0);
    }
  });

  it('is without effect on a trace read to its end', async () => {
    const path = written(BIG_CSV);
    const trace = await openTrace(traceConfig(path));
    await drained(trace);
    expect(handlesOn(path)).toBe(0);
    await trace.close();
  });
});
