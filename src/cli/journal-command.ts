/** `spillway replay`: runs a proxy's journal offline through the same core, which must do what it did. */
import { journalLines } from '../live/journal/journal-file.ts';
import { type Divergence, JournalError, type Replayed, replayJournal } from '../live/journal/replay.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { ReplayArguments } from './replay-arguments.ts';
import { entriesWith } from './proxy-config.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Throws UsageError, ScenarioError. */
export async function replayJournalCommand(args: ReplayArguments, terminal: Terminal): Promise<ExitCode> {
  const entries = await entriesWith(args.policies);
  let replayed: Replayed;
  try {
    replayed = replayJournal(journalLines(args.journal), entries);
  } catch (error) {
    if (error instanceof JournalError) throw new UsageError(`${args.journal}: ${error.message}`);
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UsageError(`${args.journal}: cannot be read: ${code}`);
  }
  const { inputs, effects, over, divergence, from, segments, skipped } = replayed;
  if (divergence !== undefined) {
    const { line, segment } = divergence;
    const where = segment === from ? `line ${line}` : `segment ${segment}, line ${line} from segment ${from} on`;
    terminal.warn(`${args.journal}: ${where}: ${parted(divergence)}`);
    return EXIT.nondeterminism;
  }
  const end = over === undefined ? '' : ` The journal ends early: ${over}.`;
  const of = segments === 1 && from === 0 ? '' : ` Segments ${from} to ${from + segments - 1}.`;
  const before = skipped === 0 ? '' : ` Left out, without a state to begin with: ${skipped} before these.`;
  await terminal.print(`${inputs} inputs, ${effects} effects, all as recorded.${of}${before}${end}\n`);
  return EXIT.ok;
}

function parted({ recorded, replayed }: Divergence): string {
  const shown = (effect: Divergence['recorded']): string => (effect === undefined ? 'nothing' : JSON.stringify(effect));
  return `recorded ${shown(recorded)}, replayed ${shown(replayed)}`;
}
