/**
 * A histogram of durations by route, on the path of every request. One of prom-client checks and hashes its labels at
 * each observation; here that is a look into a map and a step in an array. prom-client reads the counts when asked.
 */
import type { RouteName } from './routes.ts';

/** Upper ends of the buckets, seconds. */
const BOUNDS = [0.001, 0.005, 0.025, 0.1, 0.25, 1, 2.5, 10, 30, 60, 300, 1800];

interface Observed {
  /** By bucket, the last without an upper end; not cumulated. */
  readonly counts: Float64Array;
  sumSec: number;
}

interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** What prom-client asks of a metric. */
export class Durations {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly #byRoute = new Map<RouteName, Observed>();

  constructor(name: string, help: string) {
    this.name = name;
    this.help = help;
  }

  observe(route: RouteName, sec: number): void {
    let observed = this.#byRoute.get(route);
    if (observed === undefined) {
      observed = { counts: new Float64Array(BOUNDS.length + 1), sumSec: 0 };
      this.#byRoute.set(route, observed);
    }
    let bucket = 0;
    while (bucket < BOUNDS.length && sec > (BOUNDS[bucket] as number)) bucket++;
    observed.counts[bucket] = (observed.counts[bucket] as number) + 1;
    observed.sumSec += sec;
  }

  get(): Promise<object> {
    const values = [...this.#byRoute].flatMap(([route, observed]) => this.#samples(route, observed));
    const { name, help, type, aggregator } = this;
    return Promise.resolve({ name, help, type, aggregator, values });
  }

  #samples(route: RouteName, { counts, sumSec }: Observed): Sample[] {
    const { name } = this;
    let count = 0;
    const buckets = [...counts].map((each, i) => {
      count += each;
      return { metricName: `${name}_bucket`, labels: { le: BOUNDS[i] ?? '+Inf', route }, value: count };
    });
    const labels = { route };
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: sumSec },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}
