/**
 * `spillway explain`: the run is made again, and one request or row of it is told from its first to its last moment.
 */
import { instant } from '../lab/explain/entry-words.ts';
import { type Story, tellStory } from '../lab/explain/story.ts';
import { resolveVariant } from '../lab/resolve.ts';
import { runScenario } from '../lab/run.ts';
import { loadScenario } from '../lab/scenario.ts';
import { loadUserPolicies } from '../lab/user-policies.ts';
import type { ExplainArguments } from './diff-arguments.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { scenarioFile } from './scenario-file.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Answers the exit code; throws UsageError when there is no such request or row, and what a run throws. */
export async function explainCommand(args: ExplainArguments, terminal: Terminal): Promise<ExitCode> {
  const own = args.policies === undefined ? undefined : await loadUserPolicies(args.policies);
  const scenario = await loadScenario(scenarioFile(args.scenario), own);
  const { set, seed, variant, subject } = args;
  const resolved = resolveVariant(scenario, variant, { set, seed });
  const story = await tellStory(runScenario, resolved, subject);
  if (story === undefined) {
    const [flag, id] = 'row' in subject ? ['row', subject.row] : ['request', subject.request];
    throw new UsageError(`--${flag}: value ${id}; the run has no such ${flag}`);
  }
  const what = 'row' in subject ? `row ${subject.row}` : `request ${subject.request}`;
  const { name, config } = resolved;
  await terminal.print(`${what} of ${name}, variant ${resolved.variant}, seed ${config.seed}\n${told(story)}`);
  return EXIT.ok;
}

function told({ lines, records }: Story): string {
  const text = lines.map(({ at, text: what, times }) => {
    return `  ${Number.isNaN(at) ? '' : instant(at)}  ${what}${times > 1 ? ` (${times} times)` : ''}\n`;
  });
  return `${text.join('')}${records.map(ending).join('')}`;
}

function ending({ id, reason, cause, attempts, sentAt, finishedAt, status }: Story['records'][number]): string {
  const why = reason === 'ok' ? 'ok' : `${reason}, cause ${cause}${status === 0 ? '' : `, last status ${status}`}`;
  const tries = `${attempts} attempt${attempts === 1 ? '' : 's'}`;
  return `request ${id}: ${why}, ${tries}, ${((finishedAt - sentAt) / 1e3).toFixed(1)} ms from send to end\n`;
}
