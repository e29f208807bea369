/**
 * How long a scenario warms up, found by a pilot: one run of the first arm, the TTFT of its requests in the order in
 * which they were sent, MSER-5 over that. The answer is used for every arm and seed, so that none is measured longer
 * than another.
 */
import { runScenario } from '../run.ts';
import type { ResolvedScenario } from '../resolve.ts';
import { mser5 } from './mser5.ts';

export interface WarmUp {
  /** Microseconds. */
  readonly untilUs: number;
  /** False: the pilot may not have settled; its first half is not enough to say. */
  readonly settled: boolean;
}

export async function pilotWarmUp(world: ResolvedScenario): Promise<WarmUp> {
  const answered: { sentAt: number; ttftUs: number }[] = [];
  await runScenario(world, {
    onRecord: ({ reason, sentAt, firstTokenAt, finishedAt }) => {
      if (reason === 'ok') answered.push({ sentAt, ttftUs: (firstTokenAt < 0 ? finishedAt : firstTokenAt) - sentAt });
    },
  });
  answered.sort((a, b) => a.sentAt - b.sentAt);
  const { observations, settled } = mser5(answered.map(({ ttftUs }) => ttftUs));
  return { untilUs: answered[observations]?.sentAt ?? 0, settled };
}
