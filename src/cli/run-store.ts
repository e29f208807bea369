/**
 * Finished runs of a comparison, one file each under `runs/ARM/SEED.json` of its folder. A file counts only for the
 * very world it was made of and the version that made it; anything else there is run again and replaced.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ArmPlan } from '../lab/compare/arms.ts';
import type { RunStore } from '../lab/compare/campaign.ts';
import type { ResolvedScenario } from '../lab/resolve.ts';
import type { RunOutcome } from '../lab/run-types.ts';
import { packageVersion } from './version.ts';
import { writeError, writeWhole } from './write-files.ts';

type RunResult = RunOutcome['result'];

interface KeptRun {
  readonly version: string;
  readonly world: string;
  readonly seed: number;
  readonly result: RunResult;
}

export class FileRunStore implements RunStore {
  readonly #folder: string;
  readonly #version = packageVersion();

  /** `folder`: that of `--out`. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  load(world: ResolvedScenario, arm: ArmPlan): RunResult | undefined {
    let kept: Partial<KeptRun>;
    try {
      kept = JSON.parse(readFileSync(this.#path(world, arm), 'utf8')) as Partial<KeptRun>;
    } catch {
      // Not there, or torn: it is run again.
      return undefined;
    }
    const same = kept.version === this.#version && kept.world === world.worldHash && kept.seed === world.config.seed;
    return same ? kept.result : undefined;
  }

  save(world: ResolvedScenario, arm: ArmPlan, result: RunResult): void {
    const path = this.#path(world, arm);
    const kept: KeptRun = { version: this.#version, world: world.worldHash, seed: world.config.seed, result };
    try {
      mkdirSync(dirname(path), { recursive: true });
    } catch (error) {
      throw writeError(path, error);
    }
    writeWhole(path, `${JSON.stringify(kept)}\n`);
  }

  #path({ config }: ResolvedScenario, { name }: ArmPlan): string {
    return join(this.#folder, 'runs', name.replace(/[^\w.=-]+/g, '_'), `${config.seed}.json`);
  }
}
