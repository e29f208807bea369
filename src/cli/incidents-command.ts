/**
 * `spillway incidents`: runs the shipped incidents, prints a row each, and with `--out` writes the gallery. With
 * `--fuzz` it draws worlds around each instead, in which the repaired policies must survive. Ctrl-C ends it after
 * what runs.
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Incident, incidentOutcome, type IncidentOutcome, shippedIncidents } from '../lab/incidents/incident.ts';
import { IncidentPool } from '../lab/incidents/incident-pool.ts';
import { variantRuns } from '../lab/incidents/incident-run.ts';
import { variantInThread } from '../lab/incidents/incident-thread.ts';
import { didYouMean } from '../lab/nearest.ts';
import { incidentsMarkdown } from '../report/incidents-markdown.ts';
import { incidentsPage } from '../report/incidents-page.ts';
import { type IncidentRow, renderIncidents } from '../report/incidents-table.ts';
import { CountLine } from './count-line.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { IncidentsArguments } from './incidents-arguments.ts';
import { fuzzIncidents } from './incidents-fuzz.ts';
import { checkOutputPath } from './output-folder.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';
import { writeError, writeWhole } from './write-files.ts';

/** Answers the exit code; throws UsageError, ScenarioError and what a run throws. */
export async function incidentsCommand(args: IncidentsArguments, terminal: Terminal): Promise<ExitCode> {
  if (args.out !== undefined) checkOutputPath(args.out);
  const incidents = chosen(await shippedIncidents(), args.only);
  const abort = new AbortController();
  const onInterrupt = (): void => {
    if (abort.signal.aborted) process.exit(EXIT.interrupted);
    abort.abort();
  };
  process.on('SIGINT', onInterrupt);
  try {
    if (args.fuzz !== undefined) return await fuzzIncidents(incidents, args, args.fuzz, terminal, abort.signal);
    return await showIncidents(incidents, args, terminal, abort.signal);
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}

async function showIncidents(
  incidents: readonly Incident[],
  args: IncidentsArguments,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<ExitCode> {
  const pool = new IncidentPool(args.jobs, variantInThread);
  const line = terminal.progress ? new CountLine('incidents') : undefined;
  const rows: IncidentRow[] = [];
  try {
    for (const incident of incidents) {
      line?.update(rows.length, incidents.length);
      const begin = performance.now();
      const planned = variantRuns(incident.scenario);
      const runs = await Promise.all(
        planned.map(async ({ resolved, variants }) => ({ variants, run: await pool.run(resolved) })),
      );
      await turned();
      if (signal.aborted) break;
      rows.push({ outcome: incidentOutcome(incident, runs), seconds: (performance.now() - begin) / 1000 });
    }
  } finally {
    line?.stop();
    await pool.close();
  }
  if (signal.aborted) {
    terminal.warn('interrupted');
    return EXIT.interrupted;
  }
  const outcomes = rows.map(({ outcome }) => outcome);
  if (args.out !== undefined) writeGallery(args.out, outcomes);
  await terminal.print(renderIncidents(rows, terminal.width));
  for (const outcome of outcomes) for (const text of failuresOf(outcome)) terminal.warn(text);
  return outcomes.every(({ isShown }) => isShown) ? EXIT.ok : EXIT.expectationFailed;
}

function failuresOf({ incident, expectations, troubles }: IncidentOutcome): string[] {
  const failed = expectations.filter(({ ok }) => !ok).map(({ text }) => `expectation failed: ${text}`);
  return [...troubles, ...failed].map((text) => `${incident.name}: ${text}`);
}

function writeGallery(folder: string, outcomes: readonly IncidentOutcome[]): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw writeError(folder, error);
  }
  const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64');
  writeWhole(join(folder, 'incidents.html'), incidentsPage(outcomes, hashOf));
  writeWhole(join(folder, 'incidents.md'), incidentsMarkdown(outcomes));
}

/** Incidents of those names, in their order. Throws UsageError for a name that none has. */
function chosen(incidents: readonly Incident[], only: readonly string[]): Incident[] {
  const isMeant = (name: string, given: string): boolean => `/${name}/`.includes(`/${given}/`);
  for (const given of only) {
    if (incidents.some(({ name }) => isMeant(name, given))) continue;
    const known = incidents.map(({ name }) => name.slice(name.lastIndexOf('/') + 1));
    throw new UsageError(`--only: no incident ${given}; allowed ${known.join(', ')}${didYouMean(given, known)}`);
  }
  return incidents.filter(({ name }) => only.length === 0 || only.some((given) => isMeant(name, given)));
}

/** Lets the process hear signals. */
function turned(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
