/**
 * One kernel history, told by the sources here, by the built code in two fresh processes and by the built code in a
 * worker thread. `npm test` builds first.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import * as digestModule from '../../src/kernel/digest.ts';
import * as distributionModule from '../../src/kernel/distribution.ts';
import * as queueModule from '../../src/kernel/event-queue.ts';
import * as rngModule from '../../src/kernel/rng.ts';

interface Kernel {
  readonly Digest: typeof digestModule.Digest;
  readonly EventQueue: typeof queueModule.EventQueue;
  readonly stream: typeof rngModule.stream;
  readonly Keyed: typeof rngModule.Keyed;
  readonly sampler: typeof distributionModule.sampler;
}

/**
 * Twenty thousand events that push, cancel and draw; the digest at every checkpoint and at the end. Its text is sent to
 * other processes, so it uses nothing but its argument.
 */
function history({ Digest, EventQueue, stream, Keyed, sampler }: Kernel): string[] {
  const digest = new Digest();
  const queue = new EventQueue<number>();
  const delay = stream(42, 'delays');
  const keyed = new Keyed(42, 'service');
  const service = sampler({ dist: 'lognormal', mean: 5000, cv: 1.5, min: 1, max: 1e9 }, keyed.draw);
  for (let id = 0; id < 200; id++) queue.push(Math.floor(delay() * 1000), 2, 0, 1, id);
  let last = -1;
  while (digest.entries < 20_000 && queue.pop()) {
    const id = queue.data as number;
    keyed.at(id, digest.entries);
    digest.entry(queue.kind, queue.at, id, Math.floor(keyed.draw() * 1000));
    if (delay() < 0.2) queue.cancel(last);
    last = queue.push(queue.at + service(), 1, id % 7, 2, id);
    if (queue.size < 200) queue.push(queue.at + Math.floor(delay() * 100), 3, 0, 3, id + 1000);
  }
  return [...digest.checkpoints.map((checkpoint) => checkpoint.digest), digest.value()];
}

const modules = ['digest', 'distribution', 'event-queue', 'rng'];
const built = modules.map((name) => new URL(`../../dist/src/kernel/${name}.js`, import.meta.url));
const load = `Promise.all(${JSON.stringify(built.map(String))}.map((url) => import(url)))`;
const told = `${load}.then((modules) => (${history.toString()})(Object.assign({}, ...modules)))`;

function inProcess(): string[] {
  const script = `${told}.then((digests) => process.stdout.write(JSON.stringify(digests)))`;
  return JSON.parse(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })) as string[];
}

function inThread(): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const script = `const { parentPort } = require('node:worker_threads');
      ${told}.then((digests) => parentPort.postMessage(digests))`;
    const worker = new Worker(script, { eval: true });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

describe('kernel: one history (20,000 events, seed 42)', () => {
  const here = history({ ...digestModule, ...distributionModule, ...queueModule, ...rngModule });

  it('has the pinned digest', () => {
    expect(here).toMatchInlineSnapshot(`
      [
        "2513aa4d4c189273",
        "775d5ff062ecc358",
        "b000ed123e41ef34",
        "df78b2d9ad295381",
        "1d85facb11576ca9",
      ]
    `);
  });

  it('finds the build that this test needs (npm run build)', () => {
    expect(built.map((url) => existsSync(fileURLToPath(url)))).toEqual(modules.map(() => true));
  });

  it('has the same digests in two fresh processes', () => {
    expect([inProcess(), inProcess()]).toEqual([here, here]);
  });

  it('has the same digests in a worker thread', async () => {
    expect(await inThread()).toEqual(here);
  });
});
