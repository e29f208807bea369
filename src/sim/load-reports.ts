/**
 * Load reports: what workers say of themselves, at their own interval, over a channel of their own that may delay,
 * lose, duplicate and so reorder them.
 *
 * What a gateway makes of a report that comes late is its own affair, and there are two kinds in the field. One takes
 * each report for news: the last to arrive replaces what was known, even when it is older, and counts as fresh from its
 * arrival on (smg reads loads this way, Dynamo its metrics; no sequence number travels with either). The other goes by
 * the stamp that the worker's own clock put on it: it knows a report's true age, drops what is not newer than the
 * newest of that rank, and is misled by a clock that is wrong. `stamps` says which (`gateway`, `worker`); the dropping
 * is the core's (`gateway/request.ts`), so that both worlds do it alike.
 *
 * Some workers repeat what they said, others speak only of changes (`onChange`): an idle one is silent then, whatever
 * the gateway still believes of it. A `misreport` replaces fields of a report on its way, as a second publisher does
 * that writes the same ones, or leaves them out, as one does that went quiet.
 *
 * Every draw is keyed by worker and report: policies meet the same losses.
 */
import { Keyed } from '../kernel/rng.ts';
import type { ReportsConfig } from './config.ts';
import type { Member } from './member.ts';
import type { LoadMessage } from './messages.ts';
import { Link, type Network } from './network.ts';
import { EVENT, type Timeline } from './timeline.ts';
import { PHASE } from '../kernel/event-queue.ts';

export class LoadReports {
  readonly #config: ReportsConfig;
  readonly #timeline: Timeline;
  readonly #network: Network;
  readonly #losses: Keyed;
  readonly #duplicates: Keyed;
  readonly #delays: Link;
  /** Reporting instants so far. */
  #rounds = 0;

  constructor(config: ReportsConfig, seed: number, timeline: Timeline, network: Network) {
    this.#config = config;
    this.#timeline = timeline;
    this.#network = network;
    this.#losses = new Keyed(seed, 'reports/losses');
    this.#duplicates = new Keyed(seed, 'reports/duplicates');
    this.#delays = new Link(config.delayUs, seed, 'reports/delays');
  }

  /** Every member that can speak says what its load is now. */
  send(members: readonly Member[]): void {
    const { lossRatio, duplicateRatio, onChange } = this.#config;
    const round = this.#rounds++;
    for (const member of members) {
      if (!member.speaks) continue;
      const message = this.#messageOf(member, round);
      if (onChange === true && !member.loadChanged()) continue;
      const { index } = member;
      if (!struck(this.#losses, lossRatio, index, round)) this.#copy(message, round * 2);
      if (struck(this.#duplicates, duplicateRatio, index, round)) this.#copy(message, round * 2 + 1);
    }
  }

  #copy(message: LoadMessage, ordinal: number): void {
    const at = this.#network.reportAt(message.worker, ordinal, this.#delays.us(message.worker, ordinal));
    if (at < Infinity) this.#timeline.push(at, PHASE.io, EVENT.loadReport, message);
  }

  #messageOf(member: Member, round: number): LoadMessage {
    const { now } = this.#timeline;
    const { worker } = member;
    worker.catchUp(now);
    const gauges = worker.gauges();
    const generated = worker.totals.generatedTokens;
    const since = member.reportedTokens;
    member.reportedTokens = generated;
    member.load = gauges;
    const report = {
      running: gauges.running,
      waiting: gauges.waiting,
      kvUsedBlocks: gauges.kvUsedBlocks,
      kvTotalBlocks: gauges.kvTotalBlocks,
      decodeBlocks: gauges.decodeBlocks,
      prefillTokens: gauges.waitingPromptTokens,
      maxBatchedTokens: gauges.maxBatchedTokens,
      maxRunning: gauges.maxRunning,
      generatedTokensPerSec: ((generated - since) * 1e6) / this.#config.everyUs,
    };
    for (const misreport of member.misreports) misreport.alter(report, member.index, round);
    const stamped = this.#config.stamps === 'worker';
    return { worker: member.index, report: stamped ? { ...report, stampedAt: now + member.aheadUs } : report };
  }
}

/** Whether the draw of this key says so; no draw when there is no choice. */
function struck(keyed: Keyed, ratio: number, worker: number, round: number): boolean {
  return ratio > 0 && (ratio >= 1 || keyed.at(worker, round).draw() < ratio);
}
