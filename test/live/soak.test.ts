/**
 * The soak in the size of a test: a few seconds of everything at once. `npm run soak` is the long one; it sets
 * SPILLWAY_SOAK_SECONDS, prints how requests ended and holds the heap to a bound.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { policyEntries } from '../../policies/index.ts';
import { journalLines } from '../../src/live/journal/journal-file.ts';
import { replayJournal } from '../../src/live/journal/replay.ts';
import { soak } from './soak/soak.ts';

const SECONDS = Number(process.env['SPILLWAY_SOAK_SECONDS'] ?? 0);
/** Below it the heap still warms up. */
const HEAP_FROM_SECONDS = 60;
const HEAP_GROWTH_MB = 16;

function resources(): Record<string, number> {
  const counts: Record<string, number> = { TCPSocketWrap: 0, TCPServerWrap: 0, Timeout: 0 };
  for (const kind of process.getActiveResourcesInfo()) if (kind in counts) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

it('leaves no client without a last word and nothing behind, and its journal replays', { timeout: 0 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-'));
  const journal = join(folder, 'journal');
  const before = resources();
  try {
    const seconds = SECONDS || 5;
    const { endings, arrived, attempts, heapMb } = await soak({ seconds, seed: 'test', clients: 24, journal });
    expect(Object.keys(endings).filter((ending) => ending.endsWith('nothing'))).toEqual([]);
    expect(endings['plain: 200']).toBeGreaterThan(0);
    expect(endings['stream: done']).toBeGreaterThan(0);
    expect(attempts).toBeGreaterThan(arrived / 2);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const left = Object.entries(resources()).filter(([kind, count]) => count > (before[kind] ?? 0));
    expect(left).toEqual([]);
    const { divergence, over, inputs } = replayJournal(journalLines(journal), policyEntries);
    expect({ divergence, over }).toEqual({ divergence: undefined, over: undefined });
    if (SECONDS > 0) console.log({ seconds, arrived, attempts, inputs, heapMb, endings });
    if (SECONDS >= HEAP_FROM_SECONDS) expect(heapMb[1] - heapMb[0]).toBeLessThan(HEAP_GROWTH_MB);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
