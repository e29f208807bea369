/**
 * When each message arrives. A latency is fixed or drawn for each message by its own key (request, attempt, leg), so
 * that two policies meet the same network. Messages of one connection keep their order: one that would overtake
 * arrives with the one before it. What a partition holds up leaves at its end; see `partitions.ts`.
 *
 * Left out: bandwidth, and the backoff of a transport that finds its path broken, which would hold messages beyond the
 * end of a partition.
 */
import { type Distribution, sampler } from '../kernel/distribution.ts';
import { Keyed } from '../kernel/rng.ts';
import type { NetworkConfig } from './config.ts';
import type { PartitionFault } from './fault-config.ts';
import type { SimAttempt, SimRequest } from './messages.ts';
import { Partitions } from './partitions.ts';
import type { Timeline } from './timeline.ts';

/** Microseconds: a fixed latency, or what each message draws. */
export type Latency = number | Distribution;

/** Messages of one request, or attempt; part of the key of a draw. A connection carries fewer than `LEGS` kinds. */
export const LEG = { out: 0, giveUp: 1, firstToken: 2, end: 3 } as const;
type Leg = (typeof LEG)[keyof typeof LEG];
const LEGS = 4;

/** One-way latencies by key. */
export class Link {
  /** Microseconds, or -1: drawn. */
  readonly fixedUs: number;
  readonly #keyed: Keyed;
  readonly #sample: () => number;

  constructor(latency: Latency, seed: number, name: string) {
    this.fixedUs = typeof latency === 'number' ? latency : -1;
    this.#keyed = new Keyed(seed, name);
    const distribution: Distribution = typeof latency === 'number' ? { dist: 'constant', value: latency } : latency;
    this.#sample = sampler(distribution, this.#keyed.draw);
  }

  /** The latency of the message of this key. */
  us(first: number, second: number): number {
    if (this.fixedUs >= 0) return this.fixedUs;
    this.#keyed.at(first, second);
    return Math.max(0, this.#sample());
  }
}

export class Network {
  readonly #timeline: Timeline;
  readonly #client: Link;
  readonly #arrivals: Link;
  readonly #worker: Link;
  readonly #reports: Link;
  readonly #probes: Link;
  readonly #news: Link;
  readonly #partitions: Partitions | undefined;
  /** Between gateway and workers when nothing can change it, and so nothing can be overtaken; else -1. */
  readonly #plainUs: number;
  /** By worker: pieces of news sent, and when the last one arrives. */
  readonly #newsSent: number[] = [];
  readonly #newsAt: number[] = [];

  constructor(config: NetworkConfig, seed: number, partitions: readonly PartitionFault[], timeline: Timeline) {
    this.#timeline = timeline;
    this.#client = new Link(config.clientUs, seed, 'network/client');
    this.#arrivals = new Link(config.clientUs, seed, 'network/arrivals');
    this.#worker = new Link(config.workerUs, seed, 'network/worker');
    this.#reports = new Link(config.workerUs, seed, 'network/reports');
    this.#probes = new Link(config.workerUs, seed, 'network/probes');
    this.#news = new Link(config.workerUs, seed, 'network/news');
    this.#partitions = partitions.length === 0 ? undefined : new Partitions(partitions);
    this.#plainUs = this.#partitions === undefined ? this.#worker.fixedUs : -1;
  }

  /** From client to gateway when it is the same for every request, else -1. */
  get fixedArrivalUs(): number {
    return this.#arrivals.fixedUs;
  }

  /** From client to gateway, of the nth request of a workload. */
  arrivalUs(ordinal: number): number {
    return this.#arrivals.us(ordinal, 0);
  }

  /** When a message of the client, sent now, reaches the gateway. */
  toGatewayAt(request: SimRequest, leg: Leg): number {
    if (this.#client.fixedUs >= 0) return this.#timeline.now + this.#client.fixedUs;
    return (request.gatewayAt = Math.max(this.#requestAt(request, leg), request.gatewayAt));
  }

  /** When a message of the gateway, sent now, reaches the client. */
  toClientAt(request: SimRequest, leg: Leg): number {
    if (this.#client.fixedUs >= 0) return this.#timeline.now + this.#client.fixedUs;
    return (request.clientAt = Math.max(this.#requestAt(request, leg), request.clientAt));
  }

  /** When a message of the gateway, sent now, reaches the attempt's worker. */
  toWorkerAt(attempt: SimAttempt, leg: Leg): number {
    if (this.#plainUs >= 0) return this.#timeline.now + this.#plainUs;
    return (attempt.workerAt = Math.max(this.#attemptAt(attempt, leg), attempt.workerAt));
  }

  /** When a message of the attempt's worker, sent now, reaches the gateway. */
  fromWorkerAt(attempt: SimAttempt, leg: Leg): number {
    if (this.#plainUs >= 0) return this.#timeline.now + this.#plainUs;
    return (attempt.gatewayAt = Math.max(this.#attemptAt(attempt, leg), attempt.gatewayAt));
  }

  /** When a load report, sent now, reaches the gateway `delayUs` later than a message would; Infinity: it is lost. */
  reportAt(worker: number, ordinal: number, delayUs: number): number {
    const now = this.#timeline.now;
    const lost = this.#clearAt(worker, 'reports') > now;
    return lost ? Infinity : now + delayUs + this.#reports.us(worker, ordinal);
  }

  /** When a probe or its answer, sent now, arrives; Infinity: it is lost. */
  probeAt(worker: number, probe: number, leg: Leg): number {
    const now = this.#timeline.now;
    return this.#clearAt(worker, 'probes') > now ? Infinity : now + this.#probes.us(worker, probe * LEGS + leg);
  }

  /** When the gateway hears from whoever runs the fleet what became of a worker now. In order, and never lost. */
  newsAt(worker: number): number {
    const ordinal = this.#newsSent[worker] ?? 0;
    this.#newsSent[worker] = ordinal + 1;
    const at = this.#timeline.now + this.#news.us(worker, ordinal);
    return (this.#newsAt[worker] = Math.max(at, this.#newsAt[worker] ?? 0));
  }

  #requestAt({ drawKey, drawTry }: SimRequest, leg: Leg): number {
    return this.#timeline.now + this.#client.us(drawKey, drawTry * LEGS + leg);
  }

  #attemptAt({ worker, lease, drawTry }: SimAttempt, leg: Leg): number {
    const departsAt = this.#clearAt(worker, 'requests');
    return departsAt + this.#worker.us(lease.request.init.drawKey, drawTry * LEGS + leg);
  }

  #clearAt(worker: number, traffic: 'requests' | 'reports' | 'probes'): number {
    const { now } = this.#timeline;
    return this.#partitions === undefined ? now : this.#partitions.clearAt(worker, traffic, now);
  }
}
