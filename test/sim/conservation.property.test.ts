import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildWorld, finish, type FinishedWorld } from '../harness/world-builder.ts';
import { withCensus, type JobCensus } from '../harness/world-census.ts';
import { type PlainWorldSpec, runsOf, worldSpec } from '../arbitrary/world-spec.ts';

const SEED = 20261121;
const RUNS = runsOf(400);
/** In the order of their codes in the journal. */
const STATUSES = ['pending', 'ready', 'not-ready', 'failed', 'draining'];

describe('any small world', () => {
  it('ends, holds nothing, and accounts for every request, attempt and token once', { timeout: 600_000 }, () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(worldSpec, (spec) => {
        const times: number[] = [];
        const told = new Map<string, number>();
        const record = ({ at, kind, second }: { at: number; kind: string; second: number }): void => {
          times.push(at);
          const name = kind === 'gateway.workerStatus' ? `${kind} ${second}` : kind;
          told.set(name, (told.get(name) ?? 0) + 1);
        };
        const { value: run, census } = withCensus(() =>
          finish(buildWorld({ ...spec, tap: { from: 0, to: Infinity, record } })),
        );
        expect(run.state).toBe('done');
        expect(Object.entries(run.world.held()).filter(([, count]) => count !== 0)).toEqual([]);
        expect(times.every((at, i) => i === 0 || at >= (times[i - 1] as number))).toBe(true);
        expectRequests(run);
        expectInstants(run, spec);
        expectAttempts(run);
        expectTokens(run, spec, census);
        expectRows(run);
        mark(seen, run, told);
      }),
      { seed: SEED, numRuns: RUNS },
    );
    // A campaign that never meets one of these tests less than it says.
    if (process.env['SPILLWAY_FIGURES'] !== undefined) console.log(Object.fromEntries(seen));
    expect([...seen].filter(([, worlds]) => worlds < 3)).toEqual([]);
  });
});

/** Counts the worlds in which each way to end and to waste occurred, and each kind of news of the fleet. */
function mark(
  seen: Map<string, number>,
  { recorder, world }: FinishedWorld,
  told: ReadonlyMap<string, number>,
): void {
  const { total: _total, prefill: _prefill, decode: _decode, ...wasted } = recorder.wastedTokens();
  const { unfinished: _unfinished, cancelled: _cancelled, ...outcomes } = recorder.outcomes();
  const rows = world.rowFacts();
  const counts = {
    ...outcomes,
    ...prefixed('wasted', wasted),
    ...prefixed('attempt', recorder.attemptOutcomes()),
    'prefix hits': world.workerFacts().reduce((sum, it) => sum + it.prefixHitTokens, 0),
    'rows dropped': rows?.dropped ?? 0,
    'rows preserved': rows?.preservedCount ?? 0,
    // One is at the start.
    'fleet changed': (told.get('gateway.discovered') ?? 0) - 1,
    'stamped reports': told.get('gateway.reportStamp') ?? 0,
    ...Object.fromEntries(STATUSES.map((name, i) => [`told ${name}`, told.get(`gateway.workerStatus ${i}`) ?? 0])),
  };
  for (const [name, count] of Object.entries(counts)) seen.set(name, (seen.get(name) ?? 0) + (count > 0 ? 1 : 0));
}

function prefixed(prefix: string, counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [`${prefix} ${name}`, count]));
}

function expectRequests({ recorder, records }: FinishedWorld): void {
  const outcomes = Object.values(recorder.outcomes()).reduce((sum, count) => sum + count, 0);
  expect([outcomes, records.length, recorder.finished]).toEqual([recorder.offered, recorder.offered, recorder.offered]);
  expect(recorder.outcomes().unfinished).toBe(0);
  expect(new Set(records.map((record) => record.id)).size).toBe(records.length);
}

function expectInstants({ records, world }: FinishedWorld, spec: PlainWorldSpec): void {
  const patience = spec.dataset === undefined ? (spec.clientTimeoutUs ?? Infinity) : Infinity;
  for (const record of records) {
    const { sentAt, arrivedAt, startedAt, firstTokenAt, finishedAt, reason } = record;
    expect(arrivedAt).toBeGreaterThanOrEqual(sentAt);
    expect(finishedAt - sentAt).toBeLessThanOrEqual(patience);
    if (record.cause === 'client' && spec.dataset === undefined) expect(finishedAt - sentAt).toBe(patience);
    expect(startedAt === -1).toBe(record.attempts === 0);
    if (startedAt >= 0) expect(startedAt).toBeGreaterThanOrEqual(arrivedAt);
    if (firstTokenAt >= 0) expect(firstTokenAt).toBeGreaterThanOrEqual(startedAt);
    if (reason === 'ok') expect(finishedAt).toBeGreaterThanOrEqual(Math.max(startedAt, firstTokenAt));
  }
  expect(world.endedAt).toBeLessThanOrEqual(world.now);
  if (spec.workload?.kind !== 'closed') return;
  const { users } = spec.workload;
  for (const at of new Set(records.map((record) => record.sentAt))) {
    const outstanding = records.filter((record) => record.sentAt <= at && at < record.finishedAt);
    expect(outstanding.length).toBeLessThanOrEqual(users);
  }
}

function expectAttempts({ recorder, records }: FinishedWorld): void {
  const outcomes = Object.values(recorder.attemptOutcomes()).reduce((sum, count) => sum + count, 0);
  expect(outcomes).toBe(recorder.attempts);
  expect(records.reduce((sum, record) => sum + record.attempts, 0)).toBe(recorder.attempts);
}

/**
 * Every token that a worker computed is of use to a client, computed again after a preemption, or of an attempt that
 * was for nothing: Σ computed = Σ (prompt − cached + output − 1) over answered attempts + wasted (the last output
 * token is yielded and never computed on). The middle term is by the job's own counts where prompts share content: a
 * preempted job may then come back to find more of its prompt cached than it had computed.
 */
function expectTokens(run: FinishedWorld, spec: PlainWorldSpec, census: JobCensus): void {
  const { config, recorder, records, world } = run;
  expect(census.left.length).toBe(census.accepted);
  let computed = 0;
  let useful = 0;
  for (const { attempt, how, job, ...shown } of census.left) {
    // What was shown when it left is its final word.
    expect(job).toMatchObject(shown);
    computed += shown.computedTokens;
    const { record } = attempt.lease.request.init;
    if (how !== 'finished' || attempt.lease.result?.outcome !== 'ok' || record.reason !== 'ok') continue;
    useful += shown.computedTokens - shown.recomputedTokens;
    const asked = record.promptTokens - job.cachedTokens + Math.max(0, record.outputTokens - 1);
    if (spec.workload?.prefix === undefined) expect(shown.computedTokens - shown.recomputedTokens).toBe(asked);
  }
  const wasted = recorder.wastedTokens();
  expect(computed).toBe(useful + wasted.total);
  const { total, prefill, decode, ...causes } = wasted;
  expect([Object.values(causes).reduce((sum, count) => sum + count, 0), prefill + decode]).toEqual([total, total]);

  const facts = world.workerFacts();
  const generated = census.left.reduce((sum, it) => sum + it.generated, 0);
  expect(facts.reduce((sum, it) => sum + it.generatedTokens, 0)).toBe(generated);
  for (const record of records) {
    const room = roomAt(config.workers[record.worker], record.promptTokens);
    expect(record.outputTokens).toBe(record.reason === 'ok' ? Math.min(record.maxOutputTokens, room) : 0);
  }
}

function roomAt(worker: FinishedWorld['config']['workers'][number] | undefined, promptTokens: number): number {
  if (worker === undefined || worker.model === 'endpoint') return Infinity;
  if (worker.model === 'disaggregated') return Math.min(...worker.decode.map((each) => roomAt(each, promptTokens)));
  const pool = worker.blocks * worker.blockTokens;
  switch (worker.model) {
    case 'sglang':
      return Math.min(worker.maxModelTokens, pool - worker.blockTokens - 1) - promptTokens;
    case 'dynamo':
      return Math.min(worker.maxModelTokens, worker.semantics === 'trtllm' ? pool : pool + 1) - promptTokens;
    case 'engine':
      return Math.min(worker.maxModelTokens, pool) - promptTokens;
    default:
      return worker satisfies never;
  }
}

function expectRows({ world, records }: FinishedWorld): void {
  const rows = world.rowFacts();
  if (rows === undefined) return;
  expect(rows.completed + rows.dropped).toBe(rows.total);
  expect(Object.values(rows.reasons).reduce((sum, count) => sum + count, 0)).toBe(rows.dropped);
  const answered = new Set(records.filter((it) => it.reason === 'ok').map(({ row, column }) => `${row} ${column}`));
  // Every cell is answered at most once, and every completed row has all of its cells.
  expect(answered.size).toBe(records.filter((it) => it.reason === 'ok').length);
}
