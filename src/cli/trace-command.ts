/** `spillway trace import`: the arrivals of a gateway's journal as a trace that `spillway run --trace` reads. */
import { journalLines } from '../live/journal/journal-file.ts';
import { type JournalFacts, journalTrace, type TraceChoice } from '../live/journal/journal-trace.ts';
import { JournalError } from '../live/journal/replay.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';
import type { TraceArguments } from './trace-arguments.ts';
import { UsageError } from './usage-error.ts';
import { LineFile } from './write-files.ts';

const PRINTED_LINES = 1000;

/** Throws UsageError. */
export async function traceCommand(args: TraceArguments, terminal: Terminal): Promise<ExitCode> {
  const { journal, out, prompts } = args;
  if (out !== undefined) {
    const { arrivals } = importJournal(journal, out, { prompts });
    await terminal.print(`${out}: ${arrivals} requests\n`);
    return EXIT.ok;
  }
  let lines: string[] = [];
  const print = async (): Promise<void> => {
    if (lines.length > 0) await terminal.print(`${lines.join('\n')}\n`);
    lines = [];
  };
  const rows = rowsOf(journal, { policies: undefined, workers: 0, arrivals: 0 }, { prompts });
  for (let next = rows.next(); next.done !== true; next = rows.next()) {
    if (lines.push(next.value) >= PRINTED_LINES) await print();
  }
  await print();
  return EXIT.ok;
}

/** Writes the trace of a journal to `path` and answers what else the journal says. Throws UsageError. */
export function importJournal(journal: string, path: string, choice: TraceChoice): JournalFacts {
  const facts: JournalFacts = { policies: undefined, workers: 0, arrivals: 0 };
  // What clients wrote is for the owner's eyes.
  const file = new LineFile(path, choice.prompts ? 0o600 : undefined);
  try {
    for (const row of rowsOf(journal, facts, choice)) file.write(row);
    file.finish();
    return facts;
  } finally {
    file.discard();
  }
}

function* rowsOf(journal: string, facts: JournalFacts, choice: TraceChoice): Generator<string> {
  try {
    yield* journalTrace(journalLines(journal), facts, choice);
  } catch (error) {
    if (error instanceof JournalError) throw new UsageError(`${journal}: ${error.message}; allowed a journal`);
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UsageError(`${journal}: cannot be read: ${code}; allowed a journal of spillway proxy --journal`);
  }
}
