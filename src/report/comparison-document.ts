/** The documents of a comparison: what is printed, the Markdown report, and plain data for other programs. */
import type { Campaign } from '../lab/compare/campaign.ts';
import type { Difference } from '../lab/compare/comparison.ts';
import { comparisonCells, COMPARISON_HEAD, comparisonVerdicts } from './comparison.ts';
import { markdownTable } from './markdown-table.ts';
import { plainTable } from './plain-table.ts';
import { wrapped } from './wrapped.ts';

export interface ComparisonAbout {
  readonly title: string;
  readonly why: string;
  readonly command: string;
  readonly nodeVersion: string;
  /** What was left out at the beginning, in words. */
  readonly warmUp: string;
}

export const METHOD =
  'Each arm and the first one meet the same arrivals, lengths, faults and noise, seed by seed. Differences are means ' +
  'over seeds with 95 % intervals: paired t for means and counts, paired bootstrap (10,000 resamples) for quantiles ' +
  'and ratios; p is corrected after Holm when there are several arms. "No difference shown" does not mean that there ' +
  'is none.';

/** Verdict lines and one table an arm. */
export function printedComparison({ arms, differences, seeds, ended }: Campaign, width: number): string {
  const [baseline] = arms;
  const prose = (text: string): string => wrapped(text, width).join('\n');
  const blocks = [comparisonVerdicts(baseline?.name ?? '', differences).map(prose).join('\n')];
  for (const { name } of arms.slice(1)) {
    const own = differences.filter(({ arm }) => arm === name);
    const moved = own.filter(({ verdict }) => verdict !== 'no difference');
    const equal = own.filter(({ verdict }) => verdict === 'no difference').map(({ metric }) => metric.label);
    const table = moved.length === 0 ? '' : `\n${plainTable(HEAD, moved.map(cellsWithoutArm), width)}`;
    const rest = equal.length === 0 ? '' : `\n${prose(`equal in every seed: ${equal.join(', ')}`)}`;
    blocks.push(`${name} against ${baseline?.name ?? ''}${table}${rest}`);
  }
  blocks.push(`${seeds.length} seeds from ${seeds[0] ?? '–'} (${ended})`);
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

/** What fits 80 columns: p, variance reduction and verdict are in the report. */
const HEAD = ['metric', 'before', 'after', 'difference', 'won', ''];
const MARK = { better: '✓', worse: '✗', 'no difference': '=', 'no difference shown': '?' } as const;

function cellsWithoutArm(difference: Difference): string[] {
  const [metric = '', , before = '', after = '', change = '', , won = ''] = comparisonCells(difference);
  return [metric, before, after, change, won, MARK[difference.verdict]];
}

export function comparisonMarkdown(campaign: Campaign, about: ComparisonAbout): string {
  const { arms, differences, seeds, ended } = campaign;
  const verdicts = comparisonVerdicts(arms[0]?.name ?? '', differences);
  const blocks = [
    `# ${about.title}`,
    about.why.trim(),
    verdicts.map((line) => `- ${line}`).join('\n'),
    '## Differences',
    markdownTable(COMPARISON_HEAD, differences.map(comparisonCells), 2),
    METHOD,
    `${about.warmUp} Seeds: ${seeds.length} from ${seeds[0] ?? 'none'} (${ended}).`,
    '## Reproduce',
    `\`\`\`sh\n${about.command}\n\`\`\``,
    `Node ${about.nodeVersion}. Digest of each run, in order of the seeds:`,
    markdownTable(
      ['seed', ...arms.map(({ name }) => name)],
      seeds.map((seed, i) => [String(seed), ...arms.map(({ results }) => `\`${results[i]?.digest ?? ''}\``)]),
      1,
    ),
  ];
  return `${blocks.join('\n\n')}\n`;
}

/** Plain data; infinite bounds as null. */
export function comparisonJson({ arms, differences, seeds, ended }: Campaign, about: ComparisonAbout): string {
  const document = {
    scenario: about.title,
    command: about.command,
    warm_up: about.warmUp,
    seeds,
    ended,
    verdicts: comparisonVerdicts(arms[0]?.name ?? '', differences),
    arms: arms.map(({ name, results }) => ({ name, digests: results.map(({ digest }) => digest) })),
    differences: differences.map(({ metric, arm, interval, varianceReduction, ...rest }) => ({
      metric: metric.path,
      arm,
      test: metric.test,
      mean: interval.mean,
      low: finite(interval.low),
      high: finite(interval.high),
      p: interval.p,
      variance_reduction: varianceReduction,
      ...rest,
    })),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
