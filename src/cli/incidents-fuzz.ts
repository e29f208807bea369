/** `spillway incidents --fuzz N`: a row each with what became of the worlds drawn around an incident. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Incident } from '../lab/incidents/incident.ts';
import { IncidentPool } from '../lab/incidents/incident-pool.ts';
import { drawsInThread } from '../lab/incidents/incident-thread.ts';
import type { Casualty } from '../lab/incidents/survival.ts';
import { plainTable } from '../report/plain-table.ts';
import { CountLine } from './count-line.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { IncidentsArguments } from './incidents-arguments.ts';
import type { Terminal } from './terminal.ts';
import { writeError, writeWhole } from './write-files.ts';

/** Draws that a thread makes before it is asked again. */
const CHUNK = 10;
/** Lost worlds that are told of, for each incident. */
const TOLD_MAX = 3;

interface Lost {
  readonly name: string;
  readonly casualties: readonly Casualty[];
}

/** Exit code 3 when a world was lost: a policy or the simulator is at fault. */
export async function fuzzIncidents(
  incidents: readonly Incident[],
  { jobs, out, seed }: IncidentsArguments,
  draws: number,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<ExitCode> {
  const pool = new IncidentPool(jobs, drawsInThread);
  const line = terminal.progress ? new CountLine('draws') : undefined;
  const rows: string[][] = [];
  const lost: Lost[] = [];
  try {
    for (const { name, scenario } of incidents) {
      line?.update(rows.length * draws, incidents.length * draws);
      const begin = performance.now();
      const chunks = Array.from({ length: Math.ceil(draws / CHUNK) }, (_, i) => i * CHUNK);
      const reports = await Promise.all(
        chunks.map((from) => {
          return pool.run({ file: scenario.file, seed, from, to: Math.min(draws, from + CHUNK) });
        }),
      );
      if (signal.aborted) break;
      const casualties = reports.flatMap((report) => report.casualties);
      const refused = reports.reduce((sum, report) => sum + report.refused, 0);
      const seconds = ((performance.now() - begin) / 1000).toFixed(1);
      rows.push([name, String(draws), String(refused), String(casualties.length), seconds]);
      if (casualties.length > 0) lost.push({ name, casualties });
    }
  } finally {
    line?.stop();
    await pool.close();
  }
  if (signal.aborted) {
    terminal.warn('interrupted');
    return EXIT.interrupted;
  }
  await terminal.print(`${plainTable(['incident', 'draws', 'no scenario', 'lost', 's'], rows, terminal.width)}\n`);
  for (const each of lost) tell(each, out, terminal);
  return lost.length === 0 ? EXIT.ok : EXIT.invariantBroken;
}

function tell({ name, casualties }: Lost, out: string | undefined, terminal: Terminal): void {
  for (const { draw, broken, document } of casualties.slice(0, TOLD_MAX)) {
    for (const text of broken) terminal.warn(`${name}, draw ${draw}: ${text}`);
    if (out === undefined) continue;
    const path = join(out, `${name.replaceAll('/', '-')}-draw-${draw}.yaml`);
    try {
      mkdirSync(out, { recursive: true });
    } catch (error) {
      throw writeError(out, error);
    }
    // JSON is YAML.
    writeWhole(path, `${JSON.stringify(document, null, 2)}\n`);
    terminal.warn(`${name}, draw ${draw}: spillway run ${path} --check`);
  }
}
