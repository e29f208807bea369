/** `spillway diff`: two variants on one seed, and where they part: the first entry, and the decision behind it. */
import { type Divergence, findDivergence } from '../lab/explain/divergence.ts';
import { entryInWords, instant } from '../lab/explain/entry-words.ts';
import { decisionInWords } from '../lab/explain/story.ts';
import { resolveVariant } from '../lab/resolve.ts';
import { runScenario } from '../lab/run.ts';
import { loadScenario } from '../lab/scenario.ts';
import { loadUserPolicies } from '../lab/user-policies.ts';
import type { DiffArguments } from './diff-arguments.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { scenarioFile } from './scenario-file.ts';
import type { Terminal } from './terminal.ts';

/** Answers the exit code: 0, whether they differ or not. Throws ScenarioError and what a run throws. */
export async function diffCommand(args: DiffArguments, terminal: Terminal): Promise<ExitCode> {
  const own = args.policies === undefined ? undefined : await loadUserPolicies(args.policies);
  const scenario = await loadScenario(scenarioFile(args.scenario), own);
  const { set, seed } = args;
  const [a, b] = args.variants.map((variant) => resolveVariant(scenario, variant, { set, seed }));
  if (a === undefined || b === undefined) throw new Error('two variants were checked for');
  const divergence = await findDivergence(runScenario, a, b);
  const names = [a.variant, b.variant] as const;
  await terminal.print(
    divergence === undefined ? `${names.join(' and ')} have one history\n` : told(divergence, names),
  );
  return EXIT.ok;
}

function told(divergence: Divergence, [a, b]: readonly [string, string]): string {
  const { sharedEntries, before, first, second, firstDecision, secondDecision } = divergence;
  const at = (entry: typeof first): string => (entry === undefined ? '' : `${instant(entry.at)}  `);
  const lines = [`${a} and ${b} share ${sharedEntries} entries`];
  for (const entry of before) lines.push(`  both  ${at(entry)}${entryInWords(entry)}`);
  lines.push('then');
  lines.push(`  ${a}: ${at(first)}${entryInWords(first)}`, `  ${b}: ${at(second)}${entryInWords(second)}`);
  const [ours, theirs] = [firstDecision, secondDecision];
  if (ours === undefined && theirs === undefined) {
    lines.push('no policy decided otherwise before that: the worlds themselves differ');
    return `${lines.join('\n')}\n`;
  }
  const cause = ours ?? theirs;
  const about = (cause?.requests ?? []).map((id) => `request ${id}`).join(', ');
  const where = cause === undefined ? '' : `${instant(cause.at)}${about === '' ? '' : `, about ${about}`}`;
  lines.push(`first decision that differs, at ${where}`);
  for (const [name, decision] of [
    [a, ours],
    [b, theirs],
  ] as const) {
    lines.push(`  ${name}: ${decision === undefined ? 'decided nothing more' : decisionInWords(decision)}`);
  }
  return `${lines.join('\n')}\n`;
}
