/** What health probing keeps under any commands: every worker in its turn, within the bounds, and nothing held. */
import fc from 'fast-check';
import type { ProbesConfig } from '../../../policies/health/config.ts';
import { probes } from '../../../policies/health/probes.ts';
import type { Health, Probe } from '../../../policies/health/types.ts';
import { claim } from '../claim.ts';

const INTERVAL_US = 10;

type Command =
  | { kind: 'advance'; us: number }
  | { kind: 'launch' }
  | { kind: 'settle'; nth: number; ok: boolean }
  | { kind: 'discover'; workers: number[] }
  | { kind: 'replace' | 'drain'; worker: number };

const worker = fc.nat({ max: 3 });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), us: fc.constantFrom(0.5, 1, 5, 10, 40) }),
  },
  { weight: 6, arbitrary: fc.constant({ kind: 'launch' as const }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('settle' as const), nth: fc.nat({ max: 3 }), ok: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('discover' as const), workers: fc.subarray([0, 1, 2, 3]) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('replace' as const, 'drain' as const), worker }) },
);

class Harness {
  readonly #health: Health;
  readonly #max: number;
  readonly #out: Probe[] = [];
  readonly #lastLaunch = new Map<number, number>();
  #known: readonly number[] = [];
  readonly #draining = new Set<number>();
  #now = 0;

  constructor(max: number, make: (config: ProbesConfig) => Health) {
    this.#max = max;
    const config = probes.config.parse({ name: 'probes', concurrencyMax: max, failureThreshold: 1 });
    this.#health = make({ ...config, interval: INTERVAL_US, timeout: 4 });
  }

  run(step: Command): void {
    switch (step.kind) {
      case 'advance':
        this.#now += step.us;
        break;
      case 'launch':
        this.#launch();
        break;
      case 'settle':
        this.#settle(step.nth, step.ok);
        break;
      case 'discover':
        for (const gone of this.#known) if (!step.workers.includes(gone)) this.#forget(gone);
        this.#known = step.workers;
        this.#health.discovered(this.#now, step.workers);
        break;
      case 'replace':
        if (this.#known.includes(step.worker)) this.#forget(step.worker);
        this.#health.replaced(this.#now, step.worker);
        break;
      case 'drain':
        if (this.#known.includes(step.worker)) this.#draining.add(step.worker);
        this.#health.drain(this.#now, step.worker);
        break;
      default:
        step satisfies never;
    }
    claim(this.#health.held().probes === this.#out.length, 'probes out differ from those held');
    claim(this.#out.length <= this.#max, 'more probes are out than may be');
  }

  /** With every probe answered, each worker that is not draining is probed within an interval. */
  finish(): void {
    while (this.#out.length > 0) this.#settle(0, true);
    this.#now += INTERVAL_US;
    const probed = new Set<number>();
    for (let i = 0; i < 20 && this.#health.nextProbeAt() <= this.#now; i++) {
      const found = this.#launch();
      if (found !== undefined) probed.add(found.worker);
      this.#settle(0, true);
    }
    for (const each of this.#known) claim(probed.has(each) !== this.#draining.has(each), 'a worker is not probed on');
    this.run({ kind: 'discover', workers: [] });
    claim(this.#health.held().probes === 0 && this.#health.nextProbeAt() === Infinity, 'something is held at the end');
  }

  #launch(): Probe | undefined {
    const at = this.#health.nextProbeAt();
    const probe = this.#health.launch(this.#now);
    claim((probe !== undefined) === at <= this.#now, 'a launch was not announced, or announced in vain');
    if (probe === undefined) return undefined;
    const last = this.#lastLaunch.get(probe.worker) ?? -Infinity;
    claim(this.#known.includes(probe.worker) && !this.#draining.has(probe.worker), 'a stranger is probed');
    claim(this.#now - last >= INTERVAL_US, 'a worker is probed too soon');
    this.#lastLaunch.set(probe.worker, this.#now);
    this.#out.push(probe);
    return probe;
  }

  #settle(nth: number, ok: boolean): void {
    const [probe] = this.#out.splice(nth, 1);
    if (probe === undefined) return;
    const before = this.#health.status(probe.worker);
    const change = this.#health.settled(this.#now, probe, ok);
    const after = this.#health.status(probe.worker);
    claim((change !== undefined) === (before !== after), 'a change is told exactly when there is one');
    claim(change === undefined || (change.from === before && change.to === after), 'another change is told');
    claim(this.#health.settled(this.#now, probe, !ok) === undefined, 'a probe is settled twice');
  }

  #forget(gone: number): void {
    this.#lastLaunch.delete(gone);
    this.#draining.delete(gone);
  }
}

export function probesProperty(make: (config: ProbesConfig) => Health) {
  const commands = fc.array(command, { maxLength: 80, size: 'max' });
  return fc.property(fc.constantFrom(1, 2, 128), commands, (max, steps) => {
    const harness = new Harness(max, make);
    harness.run({ kind: 'discover', workers: [0, 1] });
    for (const step of steps) harness.run(step);
    harness.finish();
  });
}
