/**
 * `npm run lab-score [PART OF A NAME]`: how many runs, and how many seconds of one core, a campaign takes to find each
 * planted bug in whole worlds. The sources are compiled once into a folder of their own; each bug is edited into that
 * copy and hunted in a fresh process, start-up left out. Of a bug that no world shows it is checked that the histories
 * of some hundred worlds are those of the healthy sources.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { packageRoot } from '../../src/lab/package-root.ts';
import { filesUnder } from '../tidy/source.ts';
import type { Edit } from '../harness/gateway-planted.ts';
import { type WorldMutant, worldMutants } from './mutants.ts';

const SEED = 725;
const RUNS_MAX = 20_000;
const SECONDS_MAX = Number(process.env['SPILLWAY_SCORE_SECONDS'] ?? 60);
const HISTORIES = 150;

interface Score {
  readonly runs: number;
  readonly seconds: number;
  readonly failure: { readonly signature: string } | null;
  /** Of each run, when histories were asked for. */
  readonly digests: readonly string[];
}

/** A copy of what is compiled, in which one file at a time is another. */
class Copy {
  readonly folder = mkdtempSync(join(tmpdir(), 'spillway-lab-score-'));

  constructor() {
    symlinkSync(join(packageRoot(), 'node_modules'), join(this.folder, 'node_modules'));
    copyFileSync(join(packageRoot(), 'package.json'), join(this.folder, 'package.json'));
    const sources = [...filesUnder('src'), ...filesUnder('policies')];
    for (const path of sources)
      if (path.endsWith('.ts') && !path.includes('/browser/')) this.#write(path, textOf(path));
  }

  /** Throws when an edit does not fit its source exactly once. */
  plant(edits: readonly Edit[]): void {
    for (const file of new Set(edits.map((each) => each.file))) {
      let text = textOf(file);
      for (const { from, to } of edits.filter((each) => each.file === file)) {
        const parts = text.split(from);
        if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} places that read: ${from}`);
        text = parts.join(to);
      }
      this.#write(file, text);
    }
  }

  #heal(edits: readonly Edit[]): void {
    for (const { file } of edits) this.#write(file, textOf(file));
  }

  /** What the bug is found by: a run that passes without it. */
  hunt(mutant: WorldMutant): Score {
    let seconds = 0;
    for (let first = 0; ;) {
      this.plant(mutant.edits);
      const score = this.#hunted(mutant, first, RUNS_MAX, SECONDS_MAX - seconds);
      this.#heal(mutant.edits);
      seconds += score.seconds;
      const { failure, runs } = score;
      if (failure === null || this.#hunted(mutant, runs - 1, runs, SECONDS_MAX).failure === null) {
        return { ...score, seconds };
      }
      first = runs;
    }
  }

  /** Runs whose history is another with the bug in it. */
  altered(mutant: WorldMutant): number {
    const healthy = this.#hunted(mutant, 0, HISTORIES, Infinity, '--histories').digests;
    this.plant(mutant.edits);
    const { digests } = this.#hunted(mutant, 0, HISTORIES, Infinity, '--histories');
    this.#heal(mutant.edits);
    return digests.filter((digest, run) => digest !== healthy[run]).length;
  }

  #hunted({ policies }: WorldMutant, first: number, runsMax: number, secondsMax: number, ...mode: string[]): Score {
    const script = join(packageRoot(), 'test/lab-score/hunt.mjs');
    const limits = [SEED, first, runsMax, secondsMax].map(String);
    const args = [script, join(this.folder, 'dist'), JSON.stringify(policies), ...limits, ...mode];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as Score;
  }

  #write(path: string, text: string): void {
    const { outputText } = ts.transpileModule(text, {
      fileName: path,
      compilerOptions: {
        ...{ target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
        rewriteRelativeImportExtensions: true,
      },
    });
    const target = join(this.folder, 'dist', path.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
}

function textOf(path: string): string {
  return readFileSync(join(packageRoot(), path), 'utf8');
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** Prints one line; undefined when it is not to be found, else the seconds that it took, or Infinity. */
function scored(mutant: WorldMutant): number | undefined {
  const { name, unseen } = mutant;
  const line = (runs: number | string, seconds: string, result: string): void => {
    console.log(`${String(runs).padStart(5)} ${seconds.padStart(8)}  ${name} → ${result}`);
  };
  try {
    if (unseen !== undefined) {
      const altered = copy.altered(mutant);
      const alters = `it alters ${altered} histories though no world is to show it`;
      line('–', '–', altered === 0 ? `no world shows it: ${unseen}` : alters);
      return altered === 0 ? undefined : Infinity;
    }
    const { runs, seconds, failure } = copy.hunt(mutant);
    line(runs, seconds.toFixed(1), failure?.signature ?? 'not found');
    return failure === null ? Infinity : seconds;
  } catch (error) {
    line('–', '–', (error as Error).message);
    return Infinity;
  }
}

const wanted = process.argv[2] ?? '';
const chosen = worldMutants.filter(({ name }) => name.includes(wanted));
const copy = new Copy();
try {
  console.log(' runs  seconds  bug → what found it');
  const all = chosen.map(scored);
  const toFind = all.filter((each) => each !== undefined);
  const found = toFind.filter((each) => each < Infinity);
  const rest = `; ${all.length - toFind.length} more that no world shows`;
  const score = `found ${found.length} of ${toFind.length}, median ${median(found).toFixed(1)} s`;
  console.log(`\n${score} (seed ${SEED})${rest}`);
  process.exitCode = found.length === toFind.length ? 0 : 1;
} finally {
  rmSync(copy.folder, { recursive: true });
}
