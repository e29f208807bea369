/** The journal of real traffic replays offline to the same effects, and tells where it does not. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PolicyEntry, policyEntries, policyObject } from '../../policies/index.ts';
import { journalLines } from '../../src/live/journal/journal-file.ts';
import { JournalError, type Replayed, replayJournal } from '../../src/live/journal/replay.ts';
import { chat, post } from './clients.ts';
import { settingsOf, Stage, until } from './stage.ts';

let stage: Stage;
let folder: string;
let file: string;
beforeEach(() => {
  stage = new Stage();
  folder = mkdtempSync(join(tmpdir(), 'spillway-'));
  file = join(folder, 'journal');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A user's router, which takes turns and tells nobody where it is. */
const mute: PolicyEntry<'router'> = {
  ...{ role: 'router', name: 'mute', decides: 'Which worker: the next.', source: 'ours', variants: {} },
  config: policyObject('mute', {}),
  make: () => {
    let turns = 0;
    return { pick: (_now, _request, candidates) => turns++ % candidates.length };
  },
};

function replay(lines: Iterable<string>): Replayed {
  return replayJournal(lines, [...policyEntries, mute]);
}

interface BadHour {
  readonly policies?: object;
  /** Router after the change of policies. */
  readonly then?: string;
  readonly journal?: object;
  /** Of twenty requests at the end. */
  readonly rounds?: number;
}

/** Everything a gateway meets in a bad hour: refusals, hangs, cuts, crashes, clients that leave, news, an operator. */
async function badHour(more: BadHour = {}): Promise<void> {
  const [a, b, c] = [await stage.engine(), await stage.engine(), await stage.engine()];
  a.faults.arm({ kind: 'errors', ratio: 0.4, status: 503, retryAfter: 1e6, for: Infinity });
  b.faults.arm({ kind: 'cut', ratio: 0.3, after: 2, for: Infinity });
  const policies = {
    capacity: { name: 'fixed', max: 6 },
    queue: { name: 'codel', size: 20 },
    gates: [
      { name: 'breaker', failureThreshold: 3, openFor: '50ms' },
      { name: 'busy', kvUsedRatioMax: 0.5 },
    ],
    timeouts: { request: '2s', attempt: '300ms', worker: '500ms' },
    health: { name: 'probes', interval: '50ms', timeout: '200ms', successThreshold: 1 },
    retryBudget: { name: 'ratio' },
    ...more.policies,
  };
  const config = { policies, load: { source: 'sglang', every: '50ms' }, journal: more.journal };
  const proxy = await stage.proxy([a.url, b.url], config, { journal: file, entries: [mute] });
  const leaving = new AbortController();
  const replies = Array.from({ length: 60 }, (_, i) => {
    const signal = i % 7 === 0 ? leaving.signal : null;
    return chat(proxy.url, { stream: i % 2 === 0, max_tokens: 3 + i }, { signal })
      .then((reply) => reply.text())
      .catch(() => '');
  });
  await until(() => proxy.host.machine.gateway.counts.settled > 5);
  leaving.abort();
  a.faults.arm({ kind: 'crash', for: 100_000 });
  proxy.host.run(() =>
    proxy.host.input({ kind: 'thresholds', changes: { decodeRatioMax: 0.9, kvUsedRatioMax: Infinity } }),
  );
  const changed = {
    ...policies,
    queue: { name: 'fifo', size: 50 },
    router: { name: more.then ?? 'cache-aware' },
    gates: [policies.gates[0]],
  };
  await proxy.reload(settingsOf({ workers: [b.url, c.url], ...config, policies: changed }, { entries: [mute] }));
  await Promise.all(replies);
  for (let round = 0; round < (more.rounds ?? 1); round++) {
    await Promise.all(Array.from({ length: 20 }, (_, i) => post(`${proxy.url}/v1/completions`, { prompt: `p${i}` })));
  }
  await until(() => proxy.held()['exchanges'] === 0);
  await stage.close();
}

describe('a journal', () => {
  it('of a bad hour replays to identical effects', async () => {
    await badHour();
    const { inputs, effects, over, divergence } = replay(journalLines(file));
    expect({ over, divergence }).toEqual({ over: undefined, divergence: undefined });
    expect(inputs).toBeGreaterThan(250);
    expect(effects).toBeGreaterThan(150);
    const text = readFileSync(file, 'utf8');
    expect(text).not.toContain('hello');
    expect(statSync(file).mode & 0o077).toBe(0);
    for (const kind of ['first', 'end', 'abandon', 'wake', 'report', 'status', 'thresholds', 'policies']) {
      expect(text).toContain(`["${kind}"`);
    }
  });

  it('tells the first effect that differs', async () => {
    await badHour();
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    const at = lines.findIndex((line, i) => i > 40 && line.startsWith('[">start"'));
    const [, attempt, request, worker] = JSON.parse(lines[at] as string) as [string, number, number, number];
    lines[at] = JSON.stringify(['>start', attempt, request, worker + 1]);
    const { divergence } = replay(lines);
    expect(divergence).toEqual({
      line: at + 1,
      segment: 0,
      recorded: ['>start', attempt, request, worker + 1],
      replayed: ['>start', attempt, request, worker],
    });
    lines.splice(at, 1);
    expect(replay(lines).divergence?.line).toBe(at + 1);
  });

  it('that was torn by a crash replays as far as it goes', async () => {
    await badHour();
    const text = readFileSync(file, 'utf8');
    const cut = text.indexOf('\n', text.length / 2) + 1;
    writeFileSync(file, text.slice(0, cut + 5));
    expect(replay(journalLines(file))).toMatchObject({ over: 'torn', divergence: undefined });
  });

  it('that was torn between an input and its effects replays as far as it goes', async () => {
    await badHour();
    const lines = [...journalLines(file)];
    const effect = lines.findIndex((line) => line.startsWith('[">start"'));
    expect(effect).toBeGreaterThan(0);
    expect(replay(lines.slice(0, effect))).toMatchObject({ over: 'torn', divergence: undefined });
    expect(replay(lines.slice(0, effect + 1)).divergence).toBeUndefined();
  });

  it.each([
    [{ queue: { name: 'fifo', size: 20 }, router: { name: 'least-load' } }, 'least-request'],
    [{ queue: { name: 'codel', size: 20 }, router: { name: 'cache-aware' }, capacity: { name: 'vegas' } }, 'kv-cost'],
  ])('goes on in segments, each of which replays by itself, and all that are left together', async (policies, then) => {
    await badHour({ policies, then, journal: { segment: '3KiB', keep: 2 }, rounds: 24 });
    const segments = readdirSync(folder).sort();
    expect(segments).toHaveLength(3);
    const all = replay(journalLines(file));
    expect(all).toMatchObject({ divergence: undefined, over: undefined, segments: 3 });
    expect(all.from).toBeGreaterThan(0);
    let inputs = 0;
    for (const segment of segments) {
      const alone = replay(journalLines(join(folder, segment)));
      expect(alone).toMatchObject({ divergence: undefined, segments: segment === 'journal' ? 3 : 1 });
      if (segment !== 'journal') inputs += alone.inputs;
    }
    expect(all.inputs).toBeGreaterThanOrEqual(inputs);
  });

  it('tells a state that differs at the beginning of a segment', async () => {
    const policies = { queue: { name: 'fifo', size: 20 }, router: { name: 'least-load' } };
    await badHour({ policies, then: 'least-request', journal: { segment: '3KiB' } });
    const lines = [...journalLines(file)];
    const at = lines.findIndex((line, i) => i > 0 && line.startsWith('{') && line.includes('"arrived"'));
    const more = (_: string, count: string): string => `"arrived":${Number(count) + 1}`;
    lines[at] = (lines[at] as string).replace(/"arrived":(\d+)/, more);
    const { divergence } = replay(lines);
    expect(divergence?.line).toBe(at + 1);
    expect(divergence?.recorded).toContain('"arrived"');
  });

  it('refuses a segment whose policies cannot tell their state, once those before it are gone', async () => {
    const policies = { router: { name: 'mute' } };
    await badHour({ policies, then: 'mute', journal: { segment: '1KiB', keep: 1 } });
    expect(() => replay(journalLines(file))).toThrow(/segment \d+ has no state to begin with \(router\)/);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    await badHour({ policies, then: 'mute', journal: { segment: '6KiB' } });
    expect(replay(journalLines(file))).toMatchObject({ divergence: undefined, from: 0 });
  });

  it('begins with the first of its segments that has a state', async () => {
    await badHour({ then: 'least-load', journal: { segment: '3KiB', keep: 2 }, rounds: 24 });
    const lines = [...journalLines(file)];
    const whole = replay(lines);
    expect(whole).toMatchObject({ segments: 3, skipped: 0, divergence: undefined });
    const head = JSON.parse(lines[0] as string) as object;
    const stateless = [JSON.stringify({ ...head, snapshot: null, missing: ['past'] }), ...lines.slice(1)];
    const rest = replay(stateless);
    expect(rest).toMatchObject({ segments: 2, skipped: 1, from: whole.from + 1, divergence: undefined });
    expect(rest.inputs).toBeLessThan(whole.inputs);
  });

  it('keeps the one before', async () => {
    writeFileSync(file, 'before');
    await badHour();
    expect(readFileSync(`${file}.1`, 'utf8')).toBe('before');
  });
});

function headWith(fields: object): string {
  const head = { spillwayJournal: 2, seed: 's', segment: 0, retrySent: true, policies: {} };
  return JSON.stringify({ ...head, snapshot: null, missing: [], ...fields });
}

describe('what is no journal', () => {
  it.each([
    [[], 'the file is empty'],
    [['{}'], 'line 1 is no head'],
    [[headWith({ spillwayJournal: 1 })], 'line 1 is no head'],
    [[headWith({ policies: { router: { name: 'gone' } } })], 'not known here'],
    [[headWith({}), '["x"]', '["wake",1]'], 'line 2 is no journal line'],
    [[headWith({}), '["first",1,7]'], 'never started'],
    [[headWith({ segment: 3, missing: ['queue'] })], 'segment 3 has no state to begin with (queue)'],
    [[headWith({ segment: 3, snapshot: {} })], 'the state of segment 3 cannot be taken up'],
    [[headWith({}), headWith({ segment: 2 })], 'segment 1 is missing'],
  ])('is refused', (lines, message) => {
    expect(() => replay(lines)).toThrow(JournalError);
    expect(() => replay(lines)).toThrow(message);
  });
});
