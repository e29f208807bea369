/**
 * `spillway proxy`: an OpenAI-compatible reverse proxy over a fleet of workers. This file puts the pieces together and
 * gives them their life: listening, another configuration, the end. Decisions are the core's and its policies'.
 */
import { randomBytes } from 'node:crypto';
import type { PolicyEntry } from '../../../policies/entry.ts';
import type { Micros, WorkerView } from '../../../policies/types.ts';
import { LiveClock } from '../clock.ts';
import { GatewayHost } from '../core/gateway-host.ts';
import { GatewayMachine } from '../core/gateway-machine.ts';
import type { PolicySettings } from '../core/input.ts';
import { Discovery } from '../fleet/discovery.ts';
import { Fleet } from '../fleet/fleet.ts';
import { askWorker, type WorkerAnswer } from '../fleet/worker-query.ts';
import { Listener } from '../http/listener.ts';
import { shownAddress } from '../http/listen-address.ts';
import { journalHead } from '../journal/journal-head.ts';
import { JournalWriter } from '../journal/journal-writer.ts';
import { Admin } from './admin.ts';
import { Draining } from './draining.ts';
import type { Exchange } from './exchange.ts';
import { Front } from './front.ts';
import { listenerBounds } from './listener-bounds.ts';
import type { LiveRequest } from './live-request.ts';
import type { Log } from './log.ts';
import { Metrics } from './metrics.ts';
import { Observations } from './observations.ts';
import { answerHealth, answerModels, type OwnFacts } from './own-answers.ts';
import { ProxyPerformer } from './performer.ts';
import { changesOf } from './reload.ts';
import type { ProxySettings } from './settings.ts';
import { Upstreams } from './upstreams.ts';
import { WorkerCounts } from './worker-counts.ts';

export interface ProxyInit {
  readonly settings: ProxySettings;
  readonly entries: readonly PolicyEntry[];
  readonly log: Log;
  /** File of the journal; undefined: none is kept. */
  readonly journal?: string | undefined;
  /** Root of the policies' draws; undefined: a fresh one. */
  readonly seed?: string | undefined;
  /** An invariant is broken. Nothing is served after it. */
  readonly onFatal: (error: unknown) => void;
}

const SEED_BYTES = 16;

export class Proxy {
  readonly host: GatewayHost<LiveRequest>;
  readonly metrics: Metrics;
  readonly front: Front;
  readonly upstreams = new Upstreams();
  readonly #clock = new LiveClock();
  readonly #log: Log;
  readonly #performer: ProxyPerformer;
  readonly #observations: Observations;
  readonly #workerCounts = new WorkerCounts();
  readonly #fleet: Fleet<LiveRequest>;
  readonly #discovery: Discovery;
  readonly #listener: Listener;
  readonly #admin: Listener | undefined;
  readonly #draining: Draining;
  readonly #journal: JournalWriter<LiveRequest> | undefined;
  #settings: ProxySettings;
  #port = 0;
  #adminPort = 0;

  constructor(init: ProxyInit) {
    const { settings, entries, log, seed = randomBytes(SEED_BYTES).toString('hex') } = init;
    this.#settings = settings;
    this.#log = log;
    const machine = new GatewayMachine<LiveRequest>({ settings: policySettings(settings), seed, entries });
    this.#performer = this.#performerOf();
    this.host = new GatewayHost(machine, this.#clock, this.#performer, init.onFatal);
    this.#performer.serve(this.host);
    this.metrics = this.#metricsOf();
    const { logger } = log;
    const logsRequests = settings.config.log.requests;
    this.#observations = new Observations(
      this.metrics,
      this.#workerCounts,
      logger,
      () => this.host.now(),
      logsRequests,
    );
    this.#journal = this.#journalOf(init, seed);
    this.host.recorder = this.#journal;
    this.front = this.#frontOf();
    this.#fleet = this.#fleetOf();
    this.#discovery = this.#discoveryOf();
    this.#listener = new Listener(this.front.handle, listenerBounds(settings.config), settings.tls);
    this.#admin =
      settings.config.admin && new Listener(this.#adminOf().handle, listenerBounds(settings.config), undefined);
    this.#draining = new Draining(this.host, this.front, this.#listener, () => this.#settings.config.drain);
  }

  /** Resolves once workers were looked for and the listeners listen. Rejects when one cannot. */
  async start(): Promise<void> {
    await this.#discovery.start();
    const { listen, admin } = this.#settings.config;
    this.#port = await this.#listener.listen(listen);
    if (this.#admin !== undefined && admin !== undefined) this.#adminPort = await this.#admin.listen(admin.listen);
    this.#log.logger.info({ listen: this.url, ...(admin && { admin: this.adminUrl }) }, 'listening');
  }

  get url(): string {
    return `${this.#listener.scheme}://${shownAddress({ ...this.#settings.config.listen, port: this.#port })}`;
  }

  /** '' without an admin listener. */
  get adminUrl(): string {
    const { admin } = this.#settings.config;
    return admin === undefined ? '' : `http://${shownAddress({ ...admin.listen, port: this.#adminPort })}`;
  }

  get isDraining(): boolean {
    return this.#draining.isDraining;
  }

  /**
   * Goes on under another configuration, and no stream notices. Answers what of it holds only after a restart.
   */
  async reload(next: ProxySettings): Promise<readonly string[]> {
    const changes = changesOf(this.#settings, next);
    this.#settings = changes.settings;
    this.host.run(() => {
      const { config, tls } = changes.settings;
      if (changes.policies) this.host.input({ kind: 'policies', next: policySettings(changes.settings) });
      if (changes.health) this.#fleet.healthReplaced();
      if (changes.upstream) this.#reconnect();
      if (changes.load) this.#fleet.loadRulesChanged();
      if (changes.tls && tls !== undefined) this.#listener.renew(tls);
      this.front.budget.resize(config.limits.buffered);
      this.#listener.bound(listenerBounds(config));
      this.#log.logger.level = config.log.level;
      this.#observations.logsRequests = config.log.requests;
    });
    await this.#discovery.configure(changes.settings.config);
    this.metrics.reloads.inc(['taken']);
    this.#log.logger.info({ ...(changes.restart.length > 0 && { needs_restart: changes.restart }) }, 'reloaded');
    return changes.restart;
  }

  /** A configuration that could not be read: the one in force stays. */
  reloadFailed(message: string): void {
    this.metrics.reloads.inc(['refused']);
    this.#log.logger.error({ why: message }, 'configuration refused; the old one stays in force');
  }

  /** Ends in good order: what runs may finish within its bound. Resolves when nothing is left. */
  async drain(): Promise<void> {
    this.#log.logger.info({ open: this.front.open.size }, 'draining');
    const cut = await this.#draining.run();
    this.#log.logger.info({ cut }, 'drained');
    await this.close();
  }

  /** Ends at once. Resolves when no socket, timer or file is left. */
  async close(): Promise<void> {
    this.#draining.begin();
    this.#discovery.close();
    this.host.run(() => this.#fleet.close());
    await this.#listener.destroy();
    await this.#admin?.destroy();
    await this.upstreams.destroy();
    await this.#journal?.close();
    this.host.agenda.close();
    this.#log.flush();
  }

  /** What runs or waits; all zero in the end. */
  held(): Readonly<Record<string, number>> {
    const { front, host } = this;
    return {
      ...host.machine.gateway.held(),
      exchanges: front.open.size,
      relays: this.#performer.size,
      buffered: front.budget.held,
      connections: this.#listener.connections,
    };
  }

  #performerOf(): ProxyPerformer {
    return new ProxyPerformer(this.upstreams, {
      upstreamKey: () => this.#settings.upstreamKey,
      started: (attempt) => this.#observations.started(attempt),
      ended: (attempt, result) => {
        this.#observations.ended(attempt, result);
        // A worker that leaves may be empty once the core has heard of it.
        if (this.#fleet.isAnyLeaving) this.host.run(() => this.#fleet.attemptEnded(attempt.worker.index));
      },
      finished: (request, reason, cause) => this.#observations.finished(request, reason, cause),
    });
  }

  #frontOf(): Front {
    const facts: OwnFacts = { isReady: () => this.#isReady(), models: () => this.#settings.config.models };
    return new Front(this.host, {
      settings: () => this.#settings,
      answerHealth: (name, exchange) => answerHealth(name, exchange, facts),
      answerModels: (name, exchange) => answerModels(name, exchange, facts),
      isClosing: () => this.#draining.isClosing,
      closed: (exchange) => this.#closed(exchange),
    });
  }

  #closed(exchange: Exchange): void {
    this.#observations.closed(exchange);
    this.#draining.exchangeClosed();
  }

  #isReady(): boolean {
    return !this.isDraining && this.host.machine.gateway.workers.some(({ status }) => status === 'ready');
  }

  #fleetOf(): Fleet<LiveRequest> {
    return new Fleet(this.host, {
      opened: (worker, url) => this.upstreams.open(worker, url, this.#settings),
      closed: (worker, url) => {
        this.upstreams.close(worker);
        this.#workerCounts.forget(url);
      },
      ask: (worker, path, done) => this.#ask(worker, path, done),
      loadRules: () => this.#settings.config.load,
      probePath: () => this.#settings.config.probe.path,
      statusChanged: (worker, url, status) => {
        this.metrics.statusChanges.inc([status]);
        this.#log.logger.info({ worker: url, index: worker, status }, 'worker status');
      },
      probed: (worker, isGood) => {
        this.#count(worker, 'probes', isGood);
      },
      polled: (worker, isGood) => {
        this.#count(worker, 'polls', isGood);
      },
    });
  }

  #ask(worker: number, path: string, done: (answer: WorkerAnswer | undefined) => void): () => void {
    const pool = this.upstreams.get(worker);
    const heard = (answer: WorkerAnswer | undefined): void => this.host.run(() => done(answer));
    if (pool !== undefined) return askWorker(pool, path, this.#settings.upstreamKey, heard);
    heard(undefined);
    return () => undefined;
  }

  #count(worker: number, what: 'probes' | 'polls', isGood: boolean): void {
    const url = this.#fleet.urls.get(worker);
    if (url !== undefined) this.#workerCounts.of(url)[what][isGood ? 'good' : 'bad']++;
  }

  #reconnect(): void {
    for (const [worker, url] of this.#fleet.urls) {
      this.upstreams.close(worker);
      this.upstreams.open(worker, url, this.#settings);
    }
  }

  #discoveryOf(): Discovery {
    return new Discovery(this.host.agenda, this.#settings.config, {
      now: () => this.host.now(),
      run: (job) => this.host.run(job),
      found: (urls) => this.host.run(() => this.#fleet.listed(urls)),
      failed: (source, why) => {
        this.metrics.discoveryFailures.inc([source]);
        this.#log.logger.warn({ source, why }, 'workers could not be looked for');
      },
    });
  }

  #journalOf({ journal }: ProxyInit, seed: string): JournalWriter<LiveRequest> | undefined {
    if (journal === undefined) return undefined;
    const { segment: segmentBytes, keep: kept, prompts, prompt_bytes: promptBytesMax } = this.#settings.config.journal;
    if (prompts) this.#log.logger.warn({ journal }, 'the journal has the text of prompts');
    return new JournalWriter(journal, {
      ...{ agenda: this.host.agenda, segmentBytes, kept, promptBytesMax },
      ...(prompts ? { promptOf: ({ prompt }: LiveRequest) => prompt } : {}),
      now: () => this.host.now(),
      isSettled: () => this.host.machine.policies.isSettled,
      head: (segment) => journalHead(this.host.machine, policySettings(this.#settings), seed, segment),
      onEnd: (why, detail) => {
        this.metrics.journalEnds.inc([why]);
        this.#log.logger.error({ why, detail }, 'the journal ends here');
      },
    });
  }

  #adminOf(): Admin {
    const { policies } = this.host.machine;
    return new Admin({
      key: () => this.#settings.adminKey,
      metrics: () => this.metrics.registry.metrics(),
      status: () => ({ ...this.held(), draining: this.isDraining, workers: this.#workerViews().map(shownWorker) }),
      isReady: () => this.#isReady(),
      thresholds: () => policies.thresholds,
      setThresholds: (changes) => {
        this.metrics.thresholdChanges.inc([]);
        this.#log.logger.info({ changes }, 'thresholds changed');
        this.host.run(() => this.host.input({ kind: 'thresholds', changes }));
      },
    });
  }

  #metricsOf(): Metrics {
    const { gateway, policies } = this.host.machine;
    return new Metrics({
      held: () => gateway.held(),
      counts: () => gateway.counts,
      capacity: () => ({ permits: policies.capacity.current(), source: policies.capacity.source() }),
      refusals: () => policies.gates.refusals,
      thresholds: () => policies.thresholds,
      workers: () => this.#workerViews(),
      workerCounts: this.#workerCounts,
      buffered: () => this.front.budget.held,
      connections: () => this.#listener.connections,
      isDraining: () => this.isDraining,
      journalBytes: () => this.#journal?.bytes ?? 0,
    });
  }

  #workerViews(): (readonly [url: string, view: WorkerView])[] {
    const { workers } = this.host.machine.gateway;
    return [...this.#fleet.urls].map(([index, url]) => [url, workers[index] as WorkerView] as const);
  }
}

function policySettings({ config, writtenPolicies }: ProxySettings): PolicySettings {
  return { config: config.policies, written: writtenPolicies, retrySent: config.retry_sent };
}

function shownWorker([url, worker]: readonly [url: string, view: WorkerView]): object {
  const { index, status, inFlight, inFlightTokens } = worker;
  const reportedAt: Micros | null = worker.reportedAt === -Infinity ? null : worker.reportedAt;
  const { reportedRunning, reportedWaiting, reportedKvUsageRatio } = worker;
  const reported = { at_us: reportedAt, running: reportedRunning, waiting: reportedWaiting, kv: reportedKvUsageRatio };
  return { url, index, status, in_flight: inFlight, in_flight_tokens: inFlightTokens, reported };
}
