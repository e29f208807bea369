/** What the threads of an incident pool do: run a variant, or draw worlds around an incident. */
import { loadScenario } from '../scenario.ts';
import type { ResolvedScenario } from '../resolve.ts';
import { type Answer, answerOf } from './incident-pool.ts';
import { runVariant, type VariantRun } from './incident-run.ts';
import { type DrawReport, survive } from './survival.ts';

/** A resolved variant, and what it took of the processor. */
export interface TimedRun {
  readonly run: VariantRun;
  readonly seconds: number;
}

export function timedVariant(resolved: ResolvedScenario): Promise<Answer<TimedRun>> {
  return answerOf(async () => {
    const before = process.cpuUsage();
    const run = await runVariant(resolved);
    const { user, system } = process.cpuUsage(before);
    return { run, seconds: (user + system) / 1e6 };
  });
}

/** Draws `from` up to, not including, `to` of the incident in that file. */
export interface DrawTask {
  readonly file: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
}

export function drawnWorlds({ file, seed, from, to }: DrawTask): Promise<Answer<DrawReport>> {
  return answerOf(async () => survive(await loadScenario(file), seed, from, to));
}
