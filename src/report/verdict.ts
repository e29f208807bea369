/**
 * What a reader wants to know first, one line a run: how the first run went, and what each other run changed.
 * Numbers only; whether a change is an improvement is for the scenario's expectations to say.
 */
import type { RunResult } from '../results/result.ts';
import { formatCount, formatFactor, formatMs, formatPercent } from './format.ts';
import { heldTotal } from './metrics-table.ts';

const HEADLINES: readonly (readonly [label: string, text: (run: RunResult) => string | undefined])[] = [
  ['rows dropped', (run) => (run.rows === undefined ? undefined : formatCount(run.rows.dropped))],
  ['admission timeouts', (run) => (run.rows === undefined ? undefined : formatCount(run.rows.admission_timeouts))],
  // Of a batch it matters when it is done.
  ['seconds', (run) => (run.rows === undefined ? undefined : run.simulated_seconds.toFixed(2))],
  ['failed', (run) => formatCount(run.failed)],
  ['good requests', (run) => formatPercent(run.good_request_fraction)],
  ['p99 TTFT ms', (run) => formatMs(run.p99_ttft_ms)],
  ['amplification', (run) => formatFactor(run.amplification)],
  ['wasted tokens', (run) => formatCount(run.wasted_tokens.total)],
];

/** One line a run; the first run is what the others are held against. */
export function verdictLines(runs: readonly RunResult[]): string[] {
  return runs.map((run, index) => {
    const before = index === 0 ? undefined : runs[0];
    return `${run.variant}: ${before === undefined ? summary(run) : changes(before, run)}${ending(run)}`;
  });
}

function summary(run: RunResult): string {
  const rows = run.rows;
  const rowsText =
    rows === undefined ? '' : `${formatCount(rows.dropped)} of ${formatCount(rows.total)} rows dropped; `;
  const good = formatPercent(run.good_request_fraction);
  return (
    `${rowsText}${formatCount(run.completed)} of ${formatCount(run.offered)} requests completed, ` +
    `${formatCount(run.failed)} failed; ${good} good`
  );
}

function changes(before: RunResult, after: RunResult): string {
  const paired = before.seed === after.seed && before.scenario_hash === after.scenario_hash;
  const pairing = paired ? '' : ' (another seed or scenario: no paired comparison)';
  if (before.digest !== '' && before.digest === after.digest) return `same history as ${before.variant}${pairing}`;
  const changed: string[] = [];
  for (const [label, text] of HEADLINES) {
    const from = text(before);
    const to = text(after);
    if (from !== undefined && to !== undefined && from !== to) changed.push(`${label} ${from} → ${to}`);
  }
  const list = changed.length === 0 ? 'no headline number changes' : changed.join('; ');
  return `${list}${pairing}`;
}

/** Only when something is wrong: a drained run holds nothing and leaves nothing unfinished. */
function ending(run: RunResult): string {
  const held = Object.entries(run.held).filter(([, count]) => count !== 0);
  const parts: string[] = [];
  if (run.outcomes.unfinished > 0) parts.push(`${formatCount(run.outcomes.unfinished)} requests unfinished`);
  if (held.length > 0) {
    const list = held.map(([name, count]) => `${name} ${formatCount(count)}`).join(', ');
    parts.push(`still held: ${formatCount(heldTotal(run))} (${list})`);
  }
  return parts.length === 0 ? '.' : `; ${parts.join('; ')}.`;
}
