import { describe, expect, it } from 'vitest';
import { findDivergence } from '../../../src/lab/explain/divergence.ts';
import { entryInWords } from '../../../src/lab/explain/entry-words.ts';
import { tellStory } from '../../../src/lab/explain/story.ts';
import { resolveVariant } from '../../../src/lab/resolve.ts';
import { runScenario } from '../../../src/lab/run.ts';
import { parseScenario } from '../../../src/lab/scenario.ts';
import { Spans } from '../../../src/lab/spans.ts';

const scenario = parseScenario(
  `
name: told
why: A test.
source: a test
fleet: [{count: 3, endpoint: {maxRunning: 2, service: 20ms}}]
network: {client: 0us, worker: 0us}
workload: {kind: open, arrivals: {process: poisson, rate: 60}, prompt: 10, output: 5, requests: 60}
policies:
  capacity: {name: fixed}
  router: {name: round-robin}
  retry: {name: exponential, maxAttempts: 3, initialBackoff: 5ms, jitterFactor: 0}
faults: [{kind: errors, worker: 1, at: 0s, for: 500ms, ratio: 1, status: 503}]
variants:
  random: {set: {policies.router: {name: random}}}
  patient: {set: {policies.retry.initialBackoff: 50ms}}
  same: {set: {policies.queue.size: 90}}
  faster: {set: {fleet.0.endpoint.service: 19ms}}
`,
  'told.yaml',
);
const world = (variant: string) => resolveVariant(scenario, variant);

describe('where two variants part', () => {
  it('is the decision of the policy that differs, with what it was asked', async () => {
    const divergence = await findDivergence(runScenario, world('base'), world('random'));
    expect(divergence?.firstDecision).toMatchObject({ role: 'router', policy: 'round-robin', method: 'pick' });
    expect(divergence?.secondDecision).toMatchObject({ role: 'router', policy: 'random', method: 'pick' });
    expect(divergence?.firstDecision?.asked).toEqual(divergence?.secondDecision?.asked);
    expect(divergence?.firstDecision?.answered).not.toBe(divergence?.secondDecision?.answered);
    expect(entryInWords(divergence?.first)).toMatch(/^attempt \d+ of request \d+ starts on worker \d$/);
  });

  it('is a backoff when only the backoff differs', async () => {
    const divergence = await findDivergence(runScenario, world('base'), world('patient'));
    expect(divergence?.firstDecision).toMatchObject({ role: 'retry', method: 'delayUs', answered: '5000' });
    expect(divergence?.secondDecision).toMatchObject({ role: 'retry', method: 'delayUs', answered: '50000' });
    expect(divergence?.firstDecision?.asked[1]).toBe('refused, status 503');
  });

  it('is nowhere when a setting never mattered', async () => {
    expect(await findDivergence(runScenario, world('base'), world('same'))).toBeUndefined();
  });

  it('is in the world when no policy decided otherwise before', async () => {
    const divergence = await findDivergence(runScenario, world('base'), world('faster'));
    expect(divergence?.firstDecision).toBeUndefined();
    expect(divergence?.first?.kind).toMatch(/^(attempt\.tokens|gateway\.)/);
  });
});

describe('the story of a request', () => {
  it('tells its attempts, the decisions about it and its end, and is the same run', async () => {
    const plain = await runScenario(world('base'));
    const failed: number[] = [];
    const listened = await runScenario(world('base'), {
      onRecord: ({ id, attempts }) => void (attempts > 1 && failed.push(id)),
      decisions: { wants: () => true, decided: () => undefined },
    });
    expect(listened.result).toEqual(plain.result);
    const [request = -1] = failed;
    const story = await tellStory(runScenario, world('base'), { request });
    const text = story?.lines.map((line) => line.text) ?? [];
    expect(text[0]).toBe(`request ${request} of 10 prompt tokens arrives at the gateway`);
    expect(text.some((line) => /^router round-robin: pick/.test(line))).toBe(true);
    expect(text.some((line) => /^retry exponential: delayUs\(.*refused, status 503\) → 5000$/.test(line))).toBe(true);
    expect(text.at(-1)).toBe(`request ${request} is over: ok`);
    expect(story?.records).toMatchObject([{ id: request, reason: 'ok' }]);
    const at = story?.lines.map((line) => line.at) ?? [];
    expect([...at].sort((a, b) => a - b)).toEqual(at);
  });

  it('is none when there is no such request', async () => {
    expect(await tellStory(runScenario, world('base'), { request: 999 })).toBeUndefined();
  });
});

describe('the story of a row', () => {
  const builder = parseScenario(
    `
name: rows
why: A test.
source: a test
fleet: [{count: 1, endpoint: {maxRunning: 1, service: 100ms}}]
network: {client: 0us, worker: 0us}
workload: {kind: dataset, rows: 4, columns: [answer], endpoints: [{name: one, cap: 1}], prompt: 10, output: 5}
policies:
  capacity: {name: fixed}
  queue: {name: none}
  retry: {name: none}
  tasks: {name: bounded-borrow, variant: baseline}
  admission: {name: aimd, waitTimeout: 50ms}
  salvage: {name: rounds, variant: baseline, roundsMax: 1}
`,
    'rows.yaml',
  );

  it('tells of a task never sent: its waits for admission, its deferrals, and the rule that lost it', async () => {
    const world = resolveVariant(builder, 'base');
    const lost: number[] = [];
    const plain = await runScenario(world, {
      tap: { from: 0, to: 0, record: () => undefined, rowDropped: (_, row) => void lost.push(row) },
    });
    expect(plain.result.rows?.dropped).toBe(lost.length);
    const [row = -1] = lost;
    const story = await tellStory(runScenario, world, { row });
    const text = story?.lines.map((line) => line.text) ?? [];
    expect(story?.records).toEqual([]);
    expect(text[0]).toMatch(/^task \d+ \(column answer\) has what it depends on and is queued$/);
    expect(text.some((line) => /^admission aimd: acquire\(\d+, /.test(line))).toBe(true);
    expect(text.some((line) => /is deferred after timeout, cause upstream$/.test(line))).toBe(true);
    expect(text.at(-2)).toMatch(new RegExp(`^row ${row} is lost by the rule after-rounds; its task failed last with`));
    expect(text.at(-1)).toBe(`row ${row} is dropped`);
  });
});

describe('spans', () => {
  it('hold each request with its attempts, on their workers, each ended once', async () => {
    const spans = new Spans();
    const { result } = await runScenario(world('base'), { tap: spans });
    const all = spans.spans();
    expect([all.length, spans.oneIn]).toEqual([60, 1]);
    expect(all.flatMap(({ attempts }) => attempts)).toHaveLength(result.attempts);
    for (const { from, to, attempts, how } of all) {
      expect([from <= to, how]).toEqual([true, 'ok']);
      expect(attempts.every((each) => each.from >= from && each.to <= to && each.to !== Infinity)).toBe(true);
    }
    expect(all.flatMap(({ attempts }) => attempts).filter(({ how }) => how === 'refused 503').length).toBeGreaterThan(
      0,
    );
  });
});
