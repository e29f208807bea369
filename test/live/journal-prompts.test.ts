/** A journal with the text of prompts: only where it was asked for, bounded, no part of any replay, used by a trace. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { policyEntries } from '../../policies/index.ts';
import { journalLines } from '../../src/live/journal/journal-file.ts';
import { parseLine, promptLine } from '../../src/live/journal/journal-lines.ts';
import { replayJournal } from '../../src/live/journal/replay.ts';
import { LoadTarget } from '../../src/live/load/load-target.ts';
import { openTrace } from '../../src/workload/trace.ts';
import { say } from '../cli/fake-terminal.ts';
import { chat } from './clients.ts';
import { Stage } from './stage.ts';

let stage: Stage;
let folder: string;
let journal: string;
beforeEach(() => {
  stage = new Stage();
  folder = mkdtempSync(join(tmpdir(), 'spillway-prompts-'));
  journal = join(folder, 'journal');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Four requests whose prompts agree in 40 blocks of 64 tokens and differ after that. */
async function record(settings: object): Promise<void> {
  const engines = [await stage.engine(), await stage.engine()];
  const policies = { router: { name: 'cache-aware' }, capacity: { name: 'fixed', max: 2 } };
  const urls = engines.map(({ url }) => url);
  const proxy = await stage.proxy(urls, { policies, journal: settings }, { journal });
  await Promise.all([0, 1, 2, 3].map(async (i) => (await chat(proxy.url, { messages: messagesOf(i) })).text()));
  await stage.close();
}

function messagesOf(i: number): object[] {
  const content = `${'shared text. '.repeat(800)} and question ${i} `;
  return [{ role: 'user', content }];
}

function replayed(): object {
  return replayJournal(journalLines(journal), policyEntries);
}

describe('prompts in a journal', () => {
  it('are not there unless asked for', async () => {
    await record({});
    expect(readFileSync(journal, 'utf8')).not.toContain('shared text');
    expect(replayed()).toMatchObject({ divergence: undefined, over: undefined });
  });

  it('are whole where they fit, and replay goes on as without them', async () => {
    await record({ prompts: true });
    const prompts = [...journalLines(journal)].flatMap((line) =>
      line.startsWith('["prompt"') ? [parseLine(line)] : [],
    );
    const texts = prompts.map((line) => (line?.[0] === 'prompt' ? line[3] : []));
    expect(texts.map((each) => [each[0], each[1]?.slice(0, 12)])).toEqual(texts.map(() => ['user', 'shared text.']));
    const questions = texts.map((each) => each[1]?.slice(-11)).sort();
    expect(questions).toEqual([0, 1, 2, 3].map((i) => `question ${i} `));
    expect(replayed()).toMatchObject({ divergence: undefined, over: undefined, inputs: expect.any(Number) as number });
  });

  it('are cut at their bound, and stay out of the state that a segment begins with', async () => {
    await record({ prompts: true, prompt_bytes: '100B', segment: '1KiB' });
    const segments = readdirSync(folder);
    expect(segments.length).toBeGreaterThan(1);
    expect(replayed()).toMatchObject({ divergence: undefined, over: undefined, segments: segments.length });
    for (const line of journalLines(journal)) {
      if (line.startsWith('["prompt"')) expect(line.length).toBeLessThan(140);
      else expect(line).not.toContain('shared text');
    }
  });

  it.each([
    [['user', 'häß'], 100, ['user', 'häß']],
    [['user', 'häß'], 6, ['user', 'h']],
    [['user', 'häß'], 7, ['user', 'hä']],
    [['user', 'a'], 4, ['user']],
    [['👍👍'], 7, ['👍']],
  ])('of %j within %i bytes are %j', (texts, bytes, kept) => {
    expect(promptLine(7, { texts, bytesPerToken: 4 }, bytes)).toEqual(['prompt', 7, 4, kept]);
  });
});

describe('a trace of a journal with prompts', () => {
  it('shares every block that they have in common, where hashes know the leading ones', async () => {
    const idsOf = async (): Promise<number[][]> => {
      const { out } = await say(['trace', 'import', journal]);
      const lines = out.trim().split('\n');
      return lines.map((line) => (JSON.parse(line) as { hash_ids: number[] }).hash_ids);
    };
    await record({});
    expect((await idsOf()).map(({ length }) => length)).toEqual([32, 32, 32, 32]);
    rmSync(journal);
    stage = new Stage();
    await record({ prompts: true });
    const ids = await idsOf();
    expect(ids.map(({ length }) => length)).toEqual([41, 41, 41, 41]);
    for (const each of ids) expect(each.slice(0, 40)).toEqual(ids[0]?.slice(0, 40));
    expect(new Set(ids.map((each) => each[40])).size).toBe(4);
  });

  it('has their text for a load where that is asked for', async () => {
    await record({ prompts: true });
    const path = join(folder, 'trace.jsonl');
    await say(['trace', 'import', journal, '--out', path]);
    expect(readFileSync(path, 'utf8')).not.toContain('shared text');
    await say(['trace', 'import', journal, '--prompts', '--out', path]);
    expect(statSync(path).mode & 0o077).toBe(0);
    const trace = await openTrace({ kind: 'trace', path, format: 'auto', speed: 1, requests: Infinity });
    const target = new LoadTarget({
      ...{ url: 'http://127.0.0.1:1', api: 'chat', isStream: false, model: 'm', key: undefined, ignoresEos: false },
    });
    const { body } = target.request(trace.take(), 0);
    expect(body).toMatch(/"content":"user\\nshared text\..* and question \d "/);
    await Promise.all([trace.close(), target.close()]);
  });
});
