/** Draws the `workload:` block: open and closed loops of a few lengths and paces, and datasets of a few shapes. */
import fc from 'fast-check';

export type Drawn = Readonly<Record<string, unknown>>;

const pick = fc.constantFrom;
const NEAT = { noNullPrototype: true } as const;

/** Requests of one run at most. */
const REQUESTS_MAX = 200;
const ROWS_MAX = 24;

/** Requests a second. */
const rate = pick(10, 5, 2, 1, 20, 50, 200);
const prompt = pick<unknown>(
  20,
  { dist: 'uniform', min: 1, max: 400 },
  { dist: 'lognormal', mean: 150, cv: 1, max: 800 },
);
const output = pick<unknown>(
  10,
  1,
  { dist: 'uniform', min: 1, max: 100 },
  { dist: 'lognormal', mean: 30, cv: 1, max: 200 },
);

const prefix = fc.record(
  { groups: pick(1, 2, 5), tokens: pick(16, 64, 160), share: pick(1, 0.5), block: pick(16, 8) },
  NEAT,
);
const tenants = pick<unknown>(
  [{ name: 'a' }, { name: 'b' }],
  [
    { name: 'a', weight: 9 },
    { name: 'b', priority: 1 },
  ],
  [
    { name: 'a', weight: 3 },
    { name: 'b', priority: 2 },
  ],
  [{ name: 'a', priority: -1 }, { name: 'b' }, { name: 'c', priority: 3 }],
);
const shape = { prompt, output, prefix, tenants };
/** Some tens more often than hundreds: two runs of sixty find more than one of a hundred and twenty. */
const requests = fc.oneof(
  { withCrossShrink: true },
  fc.integer({ min: 1, max: 12 }),
  fc.integer({ min: 1, max: REQUESTS_MAX }),
  fc.integer({ min: 20, max: 60 }),
  fc.integer({ min: 60, max: REQUESTS_MAX }),
);

const arrivals = fc.oneof(
  { withCrossShrink: true },
  fc.record({ process: fc.constant('constant'), rate }, NEAT),
  fc.record({ process: fc.constant('poisson'), rate }, NEAT),
  fc.record({ process: fc.constant('gamma'), rate, cv: pick(2, 4) }, NEAT),
  fc.record(
    { process: fc.constant('bursts'), rate, size: fc.integer({ min: 1, max: 50 }), first: pick('0s', '1s', '5s') },
    NEAT,
  ),
);

const open = fc.record(
  { kind: fc.constant('open'), arrivals, ...shape, requests },
  { requiredKeys: ['kind', 'arrivals', 'prompt', 'output', 'requests'], ...NEAT },
);

const closed = fc.record(
  {
    kind: fc.constant('closed'),
    users: fc.integer({ min: 1, max: 20 }),
    think: pick<unknown>('100ms', '0s', { dist: 'exponential', mean: '500ms' }),
    ramp: pick('0s', '1s'),
    ...shape,
    requests,
  },
  { requiredKeys: ['kind', 'users', 'prompt', 'output', 'requests'], ...NEAT },
);

const columns = pick<unknown>(
  1,
  2,
  4,
  ['a', { name: 'b', needs: ['a'] }],
  ['a', { name: 'b', needs: ['a'] }, { name: 'c', needs: ['a', 'b'] }],
  ['a', { name: 'b', extent: 'row-group', needs: ['a'] }],
);
/** Two endpoints, that of the second column with fewer places. */
const shared = {
  columns: ['a', { name: 'b', endpoint: 'small' }],
  endpoints: [
    { name: 'model', cap: 4 },
    { name: 'small', cap: 1 },
  ],
} as const;
const builder = fc.record(
  {
    selection: pick('1ms', '50us'),
    bookkeeping: pick('1ms', '50us'),
    queued: pick('0us', '2us'),
    start: pick('300us'),
  },
  { requiredKeys: ['selection'], ...NEAT },
);

const rows = fc.record(
  {
    kind: fc.constant('dataset'),
    rows: fc.integer({ min: 1, max: ROWS_MAX }),
    columns,
    rowGroup: pick(1000, 8, 2),
    rowGroupsMax: pick(3, 1),
    endpoints: pick(1, 2, 4, 16).map((cap) => [{ name: 'model', cap }]),
    shutdown: pick<unknown>('none', { errorRatio: 0.5, window: 10 }, { errorRatio: 0.5, window: 2 }),
    host: builder,
    prompt,
    output,
  },
  { requiredKeys: ['kind', 'rows', 'columns', 'endpoints', 'shutdown', 'prompt', 'output'], ...NEAT },
);

const dataset = fc
  .tuple(rows, fc.oneof({ arbitrary: fc.constant({}), weight: 3 }, { arbitrary: fc.constant(shared), weight: 2 }))
  .map(([drawn, two]) => ({ ...drawn, ...two }));

/** `batchOnly`: what is under test plays a part in datasets alone. */
export function workloadArbitrary(batchOnly: boolean): fc.Arbitrary<Drawn> {
  if (batchOnly) return dataset;
  return fc.oneof(
    { withCrossShrink: true },
    { arbitrary: open, weight: 5 },
    { arbitrary: closed, weight: 2 },
    { arbitrary: dataset, weight: 3 },
  );
}
