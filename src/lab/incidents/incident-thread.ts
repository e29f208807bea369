/** What the threads of an incident pool do: run a variant, or draw worlds around an incident. */
import type { ResolvedScenario } from '../resolve.ts';
import { loadScenario } from '../scenario.ts';
import { type Answer, answerOf } from './incident-pool.ts';
import { runVariant, type VariantRun } from './incident-run.ts';
import { type DrawReport, survive } from './survival.ts';

export function variantInThread(resolved: ResolvedScenario): Promise<Answer<VariantRun>> {
  return answerOf(() => runVariant(resolved));
}

/** Draws `from` up to, not including, `to` around the incident in that file. */
export interface DrawTask {
  readonly file: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
}

export function drawsInThread({ file, seed, from, to }: DrawTask): Promise<Answer<DrawReport>> {
  return answerOf(async () => survive(await loadScenario(file), seed, from, to));
}
