/**
 * What `spillway fuzz` prints: what is drawn, then each finding with its drawn parameters first and after them seed,
 * path, file and command, then what the campaign covered. No times: the same campaign prints the same bytes.
 */
import type { Finding, FuzzReport } from '../lab/fuzz/campaign.ts';
import type { MarkName } from '../lab/fuzz/marks.ts';
import { formatCount } from './format.ts';
import { wrapped } from './wrapped.ts';

/** What was asked for. */
export interface FuzzAbout {
  readonly seed: number;
  /** Infinity when minutes are given. */
  readonly runs: number;
  readonly minutes: number | undefined;
  /** Blocks that are drawn, and those that stay as the base has them. */
  readonly draws: readonly string[];
  readonly fixed: readonly string[];
  readonly space: string | undefined;
  readonly policies: string | undefined;
  readonly invariants: string | undefined;
  readonly promises: readonly { readonly name: string; readonly promise: string }[];
}

/** A finding, and where it was written. */
export interface FoundScenario {
  readonly finding: Finding;
  readonly file: string;
  /** Replays it. */
  readonly command: string;
  /** Tells what happened to the request it is about. */
  readonly explain: string | undefined;
  /** The blocks of the least scenario, as YAML. */
  readonly drawn: string;
}

const COLUMNS = 110;
const LABEL = 10;

/** Before the first run. */
export function fuzzHeader(about: FuzzAbout): string {
  const { seed, runs, minutes, draws, fixed, space, policies, invariants } = about;
  const amount = minutes === undefined ? `${formatCount(runs)} runs` : `${minutes} min`;
  const lines = [`fuzz: seed ${seed}, ${amount}`, ...labelled('draws', draws.join(', '))];
  if (fixed.length > 0) lines.push(...labelled('fixed', fixed.join(', ')));
  if (space !== undefined) lines.push(...labelled('space', space));
  if (policies !== undefined) lines.push(...labelled('policies', policies));
  if (invariants !== undefined) lines.push(...labelled('promises', invariants));
  return `${lines.join('\n')}\n`;
}

/** After the last. */
export function fuzzText(
  report: FuzzReport,
  found: readonly FoundScenario[],
  missed: readonly MarkName[],
  marks: Readonly<Record<MarkName, { readonly what: string }>>,
): string {
  const lines = found.flatMap((each, i) => ['', ...findingLines(each, i + 1, report)]);
  lines.push('', ...summaryLines(report, found));
  for (const signature of report.unshrunk) lines.push(...labelled('also', signature));
  const never = (Object.keys(report.marks) as MarkName[]).filter((mark) => report.marks[mark] === 0);
  if (never.length > 0) lines.push(...labelled('never met', never.join(', ')));
  for (const mark of missed) lines.push(...labelled('required', `${mark}: ${marks[mark].what}; no run met it`));
  return `${lines.join('\n')}\n`;
}

function findingLines({ finding, file, command, explain, drawn }: FoundScenario, number: number, { runs }: FuzzReport) {
  const { failure, original, run, times, shrunk, culprits } = finding;
  const at = failure.at < 0 ? '' : ` (at ${failure.at} µs)`;
  const needed = culprits.map(({ key, name }) => `${key} ${name}`);
  const lines = [
    `${number}. ${failure.signature}: ${VERDICTS[failure.verdict]}`,
    ...drawn
      .trimEnd()
      .split('\n')
      .map((line) => `    ${line}`),
    ...labelled('promise', failure.promise),
    ...labelled('broken', `${failure.message}${at}`),
    ...(failure.input === undefined ? [] : labelled('input', failure.input)),
    ...labelled('found', `by run ${run}, and by ${formatCount(times)} of ${formatCount(runs)}`),
    ...labelled('shrunk', `in ${formatCount(shrunk.tries)} tries`),
  ];
  if (original.message !== failure.message) lines.push(...labelled('there', original.message));
  if (needed.length > 0) lines.push(...labelled('needs', `${needed.join(', ')}: gone with the default in its place`));
  lines.push(...labelled('seed', String(shrunk.seed)), ...labelled('path', shrunk.path));
  if (shrunk.trial.digest !== undefined) lines.push(...labelled('digest', shrunk.trial.digest));
  lines.push(...labelled('file', file), ...whole('command', command));
  if (explain !== undefined) lines.push(...whole('explain', explain));
  return lines;
}

const VERDICTS = {
  broken: 'a promise is broken',
  unfinished: 'a run does not end',
  metastable: 'a run does not recover',
  nondeterminism: 'two runs of one world differ',
  hang: 'a run hangs',
} as const;

function summaryLines({ runs, events, ended }: FuzzReport, found: readonly FoundScenario[]): string[] {
  const what = found.length === 0 ? 'every promise held' : `${found.length} found`;
  const why = ended === 'time' ? ', time is up' : '';
  return [`${formatCount(runs)} runs, ${formatCount(events)} events${why}: ${what}`];
}

/** A label and a text that is wrapped beside it. */
function labelled(label: string, text: string): string[] {
  const [first = '', ...rest] = wrapped(text, COLUMNS - LABEL - 2);
  return [`  ${label.padEnd(LABEL)}${first}`, ...rest.map((line) => `  ${' '.repeat(LABEL)}${line}`)];
}

/** As `labelled`, for what is to be copied. */
function whole(label: string, text: string): string[] {
  return [`  ${label.padEnd(LABEL)}${text}`];
}
