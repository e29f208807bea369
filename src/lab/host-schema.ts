/** CPU costs of a single-threaded host: the gateway's, or the dataset builder's. */
import { z } from 'zod';
import type { HostCosts } from '../sim/config.ts';
import { exactDuration } from './number-schema.ts';

const cost = (what: string) => exactDuration().prefault('0us').describe(`${what} Default 0us.`);

/** Fractions of a microsecond count. */
export const hostSchema = z.strictObject({
  input: cost('Per input handled.'),
  selection: cost('Per queue selection attempted.'),
  bookkeeping: cost('Per bookkeeping call.'),
  queued: cost('Per queued entry that a bookkeeping call walks.'),
  start: cost('Per task or attempt started.'),
  resolution: exactDuration()
    .prefault('0us')
    .describe('Of its clock; each cost is rounded up to it. Default 0us: whole microseconds, rounded once an input.'),
});

export function hostCosts(host: z.output<typeof hostSchema>): HostCosts {
  return {
    inputUs: host.input,
    selectionUs: host.selection,
    bookkeepingUs: host.bookkeeping,
    queuedUs: host.queued,
    startUs: host.start,
    resolutionUs: host.resolution,
  };
}
