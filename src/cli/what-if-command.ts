/**
 * `spillway replay JOURNAL --preset …`: what if yesterday's traffic had met other policies? The recorded arrivals run
 * through simulated engines of the preset, under the recorded policies and under each variant of them. Recorded
 * outcomes play no part: only a replay under identical policies can have those.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { applyOverride } from '../lab/overrides.ts';
import { parseSetting } from '../lab/scenario.ts';
import { ScenarioError } from '../lab/scenario-error.ts';
import type { ExitCode } from './exit-codes.ts';
import type { ReplayArguments, WhatIf } from './replay-arguments.ts';
import { runCommand } from './run-command.ts';
import { planRun, type RunPlan } from './run-plan.ts';
import { quoted } from './scenario-file.ts';
import type { Terminal } from './terminal.ts';
import { importJournal } from './trace-command.ts';

const TRACE = 'trace.jsonl';

/** Throws UsageError, ScenarioError. */
export async function whatIfCommand(args: ReplayArguments, whatIf: WhatIf, terminal: Terminal): Promise<ExitCode> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-replay-'));
  try {
    const { policies, workers } = importJournal(args.journal, join(folder, TRACE), { prompts: false });
    const file = join(folder, 'scenario.yaml');
    writeFileSync(file, JSON.stringify(scenarioOf(args, whatIf, policies, workers)));
    const run = {
      scenario: file,
      ...{ seed: whatIf.seed, set: whatIf.set, out: whatIf.out, json: whatIf.json, policies: args.policies },
      ...{ trace: undefined, invariants: undefined, variant: undefined, allVariants: true },
      ...{ check: false, checkDeterminism: false },
    };
    const plan = await planned(run, file);
    return await runCommand(run, terminal, undefined, { ...plan, command: commandLine(args, whatIf) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Its scenario is nobody's file, so messages do not name one. */
async function planned(run: Parameters<typeof planRun>[0], file: string): Promise<RunPlan> {
  try {
    return await planRun(run);
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    throw new ScenarioError(error.message.split('\n').map((line) => line.replace(placeIn(file), '$1')));
  }
}

/** `FILE:LINE:COL `, but not what follows it. */
function placeIn(file: string): RegExp {
  return new RegExp(`^${file.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?::\\d+)*:? ?(.*)`, 's');
}

function scenarioOf({ journal }: ReplayArguments, whatIf: WhatIf, policies: unknown, workers: number): object {
  const { preset, variants } = whatIf;
  const isPath = /[/\\]|\.(ya?ml|json)$/.test(preset);
  return {
    name: slugOf(basename(journal)),
    why: `The arrivals of ${basename(journal)}, simulated: the recorded policies as base, others as variants.`,
    source: 'spillway replay',
    fleet: [{ count: Math.max(1, workers), engine: { preset: isPath ? resolve(preset) : preset } }],
    workload: { kind: 'trace', path: TRACE },
    policies: policies ?? {},
    variants: Object.fromEntries(variants.map(({ name, settings }) => [name, { set: setOf(settings, policies) }])),
  };
}

/** A scenario's name: lower-case letters, digits and -. */
function slugOf(text: string): string {
  const slug = text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '');
  return slug === '' ? 'journal' : slug.slice(0, 100);
}

/** The whole `policies` block of a variant, its settings laid over the recorded ones. */
function setOf(settings: readonly string[], policies: unknown): object {
  let input: unknown = { policies: policies ?? {} };
  for (const setting of settings) {
    const { path, value } = parseSetting(setting);
    const where = `--variant ${setting}:`;
    const full = path[0] === 'policies' ? path : ['policies', ...path];
    const [, role, field] = full;
    // Another policy of a role has settings of its own.
    const isOther = typeof role === 'string' && field === 'name';
    const change = isOther ? { path: ['policies', role], value: { name: value } } : { path: full, value };
    const applied = applyOverride(input, { ...change, where });
    if ('error' in applied) throw new ScenarioError([`${where} ${applied.error}`]);
    input = applied.value;
  }
  return input as object;
}

function commandLine({ journal, policies }: ReplayArguments, { preset, variants, set, seed }: WhatIf): string {
  const words = ['spillway', 'replay', journal, '--preset', preset];
  for (const { name, settings } of variants) words.push('--variant', `${name}:${settings.join(';')}`);
  for (const each of set) words.push('--set', each);
  if (seed !== undefined) words.push('--seed', String(seed));
  if (policies !== undefined) words.push('--policies', policies);
  return words.map(quoted).join(' ');
}
