/**
 * The workers of a live gateway: who joins, who leaves, and how. A worker keeps its number and its connections as long
 * as it is listed. One that is listed no more gets no new work; it leaves the set when nothing runs there, or when its
 * health policy says so, and what still runs then goes on to its end.
 */
import type { Health } from '../../../policies/health/types.ts';
import type { Micros, WorkerStatus } from '../../../policies/types.ts';
import type { RequestInit } from '../../gateway/request.ts';
import type { Agenda, Deadline } from '../agenda.ts';
import type { GatewayHost } from '../core/gateway-host.ts';
import { Indexes } from './indexes.ts';
import { type LoadRules, LoadPoller } from './load-poller.ts';
import { Prober } from './prober.ts';
import type { WorkerAnswer } from './worker-query.ts';

export interface FleetPeers {
  /** Connections to the worker are to be had from now on, or no more. */
  opened(worker: number, url: string): void;
  closed(worker: number, url: string): void;
  /** Asks `GET path`; `done` is heard as an event of the host. */
  ask(worker: number, path: string, done: (answer: WorkerAnswer | undefined) => void): () => void;
  loadRules(): LoadRules;
  probePath(): string;
  statusChanged(worker: number, url: string, status: WorkerStatus): void;
  probed(worker: number, isGood: boolean): void;
  polled(worker: number, isGood: boolean): void;
}

interface Member {
  readonly index: number;
  readonly url: string;
  /** Set while it leaves. */
  leaving: Deadline | undefined;
}

/** Without a health policy that says otherwise. Source: smg drain-settle-secs. */
const DRAIN_SETTLE_US = 5e6;
const UNKNOWN_LOAD = {
  ...{ running: -1, waiting: -1, kvUsedBlocks: -1, kvTotalBlocks: -1, decodeBlocks: -1, prefillTokens: -1 },
  ...{ maxBatchedTokens: -1, maxRunning: -1, generatedTokensPerSec: -1 },
};

export class Fleet<Init extends RequestInit> {
  readonly #host: GatewayHost<Init>;
  readonly #agenda: Agenda;
  readonly #peers: FleetPeers;
  readonly #indexes = new Indexes();
  readonly #members = new Map<string, Member>();
  readonly #poller: LoadPoller;
  /** Taken out by the health policy, for as long as they stay listed. */
  readonly #banished = new Set<string>();
  /** By number. */
  readonly #leaving = new Map<number, Member>();
  #prober: Prober | undefined;
  #listed: readonly string[] = [];

  constructor(host: GatewayHost<Init>, peers: FleetPeers) {
    this.#host = host;
    this.#agenda = host.agenda;
    this.#peers = peers;
    this.#poller = new LoadPoller(host.agenda, {
      now: () => host.now(),
      rules: () => peers.loadRules(),
      ask: (worker, path, done) => peers.ask(worker, path, done),
      configured: (worker, ranks) => host.input({ kind: 'configured', worker, ranks }),
      report: (worker, rank, report) => host.input({ kind: 'report', worker, rank, report }),
      polled: (worker, isGood) => peers.polled(worker, isGood),
    });
    this.#prober = this.#proberOf(host.machine.policies.health);
  }

  /** URLs by number. */
  get urls(): ReadonlyMap<number, string> {
    return new Map([...this.#members.values()].map(({ index, url }) => [index, url]));
  }

  /** The whole list of workers that should be there. */
  listed(urls: readonly string[]): void {
    this.#listed = urls;
    const wanted = new Set(urls);
    for (const url of this.#banished) if (!wanted.has(url)) this.#banished.delete(url);
    for (const member of this.#members.values()) if (!wanted.has(member.url)) this.#beginLeaving(member);
    const joining = urls.filter((url) => !this.#members.has(url) && !this.#banished.has(url));
    for (const url of urls) this.#stay(url);
    if (joining.length > 0) this.#join(joining);
  }

  get isAnyLeaving(): boolean {
    return this.#leaving.size > 0;
  }

  /** An attempt is over: a worker that leaves may be empty now. */
  attemptEnded(worker: number): void {
    const member = this.#leaving.get(worker);
    if (member !== undefined) this.#leaveIfEmpty(member);
  }

  /** The health policy was replaced. Statuses stay as they are until it says otherwise. */
  healthReplaced(): void {
    this.#prober?.close();
    this.#prober = this.#proberOf(this.#host.machine.policies.health);
    this.#prober?.discovered(this.#indexesIn());
    for (const worker of this.#leaving.keys()) this.#prober?.drain(worker);
    if (this.#prober !== undefined) return;
    for (const member of this.#members.values()) if (member.leaving === undefined) this.#status(member, 'ready');
  }

  /** Rules of polling were changed. */
  loadRulesChanged(): void {
    this.#poller.close();
    for (const { index } of this.#members.values()) this.#poller.add(index);
  }

  /** Nothing is asked of workers any more. */
  close(): void {
    this.#prober?.close();
    this.#poller.close();
    for (const { leaving } of this.#leaving.values()) if (leaving !== undefined) this.#agenda.cancel(leaving);
  }

  #join(urls: readonly string[]): void {
    const { gateway } = this.#host.machine;
    const isFree = (index: number): boolean => (gateway.workers[index]?.inFlight ?? 0) === 0;
    const joining = urls.map((url): Member => ({ index: this.#indexes.take(url, isFree), url, leaving: undefined }));
    for (const member of joining) {
      this.#members.set(member.url, member);
      this.#peers.opened(member.index, member.url);
    }
    const returning = joining.filter(({ index }) => gateway.workers[index] !== undefined);
    this.#announce();
    for (const { index } of returning) {
      // What its number's last owner reported is not true of it.
      this.#host.input({ kind: 'report', worker: index, rank: 0, report: UNKNOWN_LOAD });
    }
    for (const member of joining) {
      const status = this.#prober?.status(member.index) ?? 'ready';
      if (status !== 'pending') this.#status(member, status);
      this.#poller.add(member.index);
    }
  }

  #announce(): void {
    const indexes = this.#indexesIn();
    const names = [...this.#members.values()].map(({ url }) => url);
    this.#host.input({ kind: 'discovered', workers: indexes, names });
    this.#prober?.discovered(indexes);
  }

  #indexesIn(): number[] {
    return [...this.#members.values()].map(({ index }) => index);
  }

  #beginLeaving(member: Member): void {
    if (member.leaving !== undefined) return;
    const until = this.#prober?.drain(member.index) ?? this.#host.now() + DRAIN_SETTLE_US;
    member.leaving = this.#agenda.deadline(() => this.#leave(member));
    this.#agenda.set(member.leaving, until);
    this.#leaving.set(member.index, member);
    this.#poller.remove(member.index);
    this.#status(member, 'draining');
    this.#leaveIfEmpty(member);
  }

  /** A worker that was about to leave is listed again. */
  #stay(url: string): void {
    const member = this.#members.get(url);
    if (member?.leaving === undefined) return;
    this.#agenda.cancel(member.leaving);
    member.leaving = undefined;
    this.#leaving.delete(member.index);
    this.#prober?.replaced(member.index);
    this.#poller.add(member.index);
    this.#status(member, this.#prober?.status(member.index) ?? 'ready');
  }

  #leaveIfEmpty(member: Member): void {
    if ((this.#host.machine.gateway.workers[member.index]?.inFlight ?? 0) === 0) this.#leave(member);
  }

  #leave(member: Member): void {
    if (this.#members.get(member.url) !== member) return;
    this.#members.delete(member.url);
    this.#leaving.delete(member.index);
    if (member.leaving !== undefined) this.#agenda.cancel(member.leaving);
    this.#poller.remove(member.index);
    this.#indexes.leave(member.url);
    this.#announce();
    this.#peers.closed(member.index, member.url);
  }

  #status({ index, url }: Member, status: WorkerStatus): void {
    this.#peers.statusChanged(index, url, status);
    this.#host.input({ kind: 'status', worker: index, status });
  }

  #proberOf(health: Health | undefined): Prober | undefined {
    if (health === undefined) return undefined;
    return new Prober(health, this.#agenda, {
      now: (): Micros => this.#host.now(),
      ask: (worker, done) => {
        return this.#peers.ask(worker, this.#peers.probePath(), (answer) => {
          done(answer !== undefined && answer.status >= 200 && answer.status < 300);
        });
      },
      status: (worker, status) => {
        const member = this.#memberAt(worker);
        if (member !== undefined && member.leaving === undefined) this.#status(member, status);
      },
      remove: (worker) => this.#banish(worker),
      probed: (worker, isGood) => this.#peers.probed(worker, isGood),
    });
  }

  #banish(worker: number): void {
    const member = this.#memberAt(worker);
    if (member === undefined) return;
    if (this.#listed.includes(member.url)) this.#banished.add(member.url);
    this.#leave(member);
  }

  #memberAt(index: number): Member | undefined {
    for (const member of this.#members.values()) if (member.index === index) return member;
    return undefined;
  }
}
