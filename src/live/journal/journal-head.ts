/** The line that a segment of a journal begins with: what the core is made of, and its state. */
import type { GatewayMachine } from '../core/gateway-machine.ts';
import type { PolicySettings } from '../core/input.ts';
import type { RequestInit } from '../../gateway/request.ts';
import { JOURNAL_FORMAT, type JournalHead } from './journal-lines.ts';
import { stateText } from './state-text.ts';

/** Called between two inputs; the machine's draws go on as those of the segment. */
export function journalHead<Init extends RequestInit>(
  machine: GatewayMachine<Init>,
  { written, retrySent }: PolicySettings,
  seed: string,
  segment: number,
): string {
  const head = { spillwayJournal: JOURNAL_FORMAT, seed, segment, retrySent, policies: written ?? {} } as const;
  if (segment === 0) return JSON.stringify({ ...head, snapshot: null, missing: [] } satisfies JournalHead);
  const state = machine.beginSegment(segment);
  if ('missing' in state) return JSON.stringify({ ...head, snapshot: null, missing: [...state.missing] });
  const text = JSON.stringify({ ...head, missing: [] });
  return `${text.slice(0, -1)},"snapshot":${stateText(state)}}`;
}
