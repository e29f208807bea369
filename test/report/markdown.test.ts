import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { Recorder } from '../../src/results/recorder.ts';
import { buildResult } from '../../src/results/result.ts';
import { FACTS, WORKER, recordOf, richResult } from '../results/samples.ts';

const ABOUT = {
  title: 'Example: before and after',
  command: 'spillway run scenarios/example.yaml --seed 42',
  nodeVersion: 'v20.20.2',
};

function calmResult(variant: string) {
  const recorder = new Recorder();
  recorder.sent(0);
  recorder.request(recordOf(), false);
  recorder.attempt('ok');
  return buildResult(recorder, { ...FACTS, variant, digest: 'fedcba9876543210' });
}

describe('renderMarkdown', () => {
  const before = richResult({ variant: 'before' });

  it('says what changed against the first run', () => {
    const text = renderMarkdown([before, calmResult('after')], ABOUT);
    expect(text).toContain('- before: 1 of 10 rows dropped; 3 of 5 requests completed, 2 failed; 40.0 % good.');
    expect(text).toContain(
      '- after: failed 2 → 0; good requests 40.0 % → 100.0 %; p99 TTFT ms 297.0 → 101.0; wasted tokens 103 → 0.',
    );
  });

  it('puts one column a variant in every table of numbers', () => {
    const text = renderMarkdown([before, calmResult('after')], ABOUT);
    expect(text).toContain('|  | before | after |\n| --- | ---: | ---: |\n| offered | 5 | 1 |');
    expect(text).toContain('| rows dropped | 1 |  |');
    expect(text).toContain('| ok after retry | 1 | 0 |');
    expect(text).not.toContain('deadline passed');
    expect(text).toContain('| E2E p99 ms | 397.0 | 201.0 |');
    expect(text).toContain('| before | 0 | 25.0 % | 75.0 % | 1.50 | 0.13 | 50.0 % | 4,000 | 3 |');
  });

  it('names what reproduces it', () => {
    const text = renderMarkdown([before], ABOUT);
    expect(text).toContain('```sh\nspillway run scenarios/example.yaml --seed 42\n```');
    expect(text).toContain('Node v20.20.2.');
    expect(text).toContain('| before | 42 | `0123456789abcdef` | 12,345 | `c0ffee00c0ffee00` |');
  });

  it('says when histories are equal, when nothing can be paired, and what is still held', () => {
    const same = richResult({ variant: 'same', held: { 'gateway.waiting': 2, 'queue.admitted': 1 } });
    const other = richResult({ variant: 'other', seed: 43, digest: 'aaaaaaaaaaaaaaaa' });
    const text = renderMarkdown([before, same, other], ABOUT);
    expect(text).toContain('- same: same history as before; still held: 3 (gateway.waiting 2, queue.admitted 1).');
    expect(text).toContain(
      '- other: no headline number changes (another seed or scenario: no paired comparison).',
    );
  });

  it('says how many requests were still in flight', () => {
    const recorder = new Recorder();
    for (let request = 0; request < 1_500; request++) recorder.sent(0);
    const text = renderMarkdown([buildResult(recorder, FACTS)], ABOUT);
    expect(text).toContain('0 of 1,500 requests completed, 0 failed; 0.0 % good; 1,500 requests unfinished.');
    expect(text).toContain('| unfinished at the end | 1,500 |');
  });

  it('lists the faults of each variant, and which of them were on', () => {
    const faults = [{ name: 'flap', kind: 'crash', active: false, windows: 0 }];
    const text = renderMarkdown([before, richResult({ variant: 'calm', faults })], ABOUT);
    expect(text).toContain('| variant | fault | kind | in this run | windows |\n| --- | --- | --- | --- | ---: |');
    expect(text).toContain('| before | flapping | crash | on | 7 |\n| calm | flap | crash | off | 0 |');
    expect(renderMarkdown([richResult({ faults: [] })], ABOUT)).not.toContain('## Faults');
  });

  it('puts the reason and the caller’s verdicts first', () => {
    const text = renderMarkdown([before], { ...ABOUT, why: 'An incident.\n', verdicts: ['PASS rows.dropped ≤ 1'] });
    expect(text).toContain('after\n\nAn incident.\n\n- PASS rows.dropped ≤ 1\n- before: ');
  });

  it('keeps a variant’s name inside its cell', () => {
    const text = renderMarkdown([richResult({ variant: 'a|b\nc' })], ABOUT);
    expect(text).toContain('|  | a\\|b c |');
  });

  it('shows the first workers of a large fleet and counts the others', () => {
    const workers = Array.from({ length: 20 }, (_, index) => ({ ...WORKER, index }));
    const text = renderMarkdown([richResult({ workers })], ABOUT);
    expect(text).toContain('| baseline | 15 |');
    expect(text).not.toContain('| baseline | 16 |');
    expect(text).toContain('4 more workers');
  });

  it('gives the same bytes for the same runs, and no row for what nothing happened to', () => {
    expect(renderMarkdown([before], ABOUT)).toBe(renderMarkdown([richResult({ variant: 'before' })], ABOUT));
    const nothing = buildResult(new Recorder(), { ...FACTS, workers: [] });
    const text = renderMarkdown([nothing], ABOUT);
    expect(text).not.toContain('TTFT');
    expect(text).not.toMatch(/NaN|undefined|null/);
  });
});
