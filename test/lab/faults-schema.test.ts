import { describe, expect, it } from 'vitest';
import { resolveVariant } from '../../src/lab/resolve.ts';
import { scenarioJsonSchema } from '../../src/lab/scenario-schema.ts';
import { MINIMAL, scenarioMessage, scenarioOf } from './scenario-texts.ts';

const SELECTOR = "the index of a worker, a list of indices, 'all', or {draw: K} with perhaps of: [...]";

/** [keys of the one fault, place and message] */
const WRONG: readonly (readonly [string, string])[] = [
  [
    'kind: crsh, worker: 0, at: 1s, for: 1s',
    'kind: value "crsh"; allowed crash, restart, hang, half, link, slow, errors, rate-limit, cut, partition, ' +
      'skew, misreport, join, ' +
      "drain, stall (did you mean 'crash'?)",
  ],
  [
    'kind: crash, worker: 0, at: 1s',
    "for: missing; allowed a duration with its unit, such as '50ms', '1.5s' or '2m30s', or 'none'",
  ],
  [
    'kind: crash, worker: 0, at: 1s, for: 1s, load: 1s',
    'load: unknown key; allowed kind, worker, name, at, every, times, rate, until, active, fires, for',
  ],
  ['kind: crash, worker: -1, at: 1s, for: 1s', 'worker: value -1; allowed a whole number from 0 to 1000000'],
  ['kind: crash, worker: {draw: 0}, at: 1s, for: 1s', 'worker.draw: value 0; allowed a whole number from 1 to 10000'],
  ['kind: crash, worker: some, at: 1s, for: 1s', `worker: value "some"; allowed ${SELECTOR}`],
  ['kind: crash, worker: 2, at: 1s, for: 1s', "worker: value 2; allowed a worker of the fleet, 0 to 1, or 'all'"],
  ['kind: crash, worker: [0, 2], at: 1s, for: 1s', 'worker: value [0,2]; allowed workers of the fleet, 0 to 1'],
  ['kind: crash, worker: [0, 0], at: 1s, for: 1s', 'worker: value [0,0]; allowed each worker once'],
  ['kind: crash, worker: {draw: 3}, at: 1s, for: 1s', 'worker: value {"draw":3}; allowed a draw of at most 2'],
  [
    'kind: crash, worker: {draw: 2, of: [1]}, at: 1s, for: 1s',
    'worker: value {"draw":2,"of":[1]}; allowed a draw of at most 1',
  ],
  [
    'kind: crash, worker: {draw: 1, of: [5]}, at: 1s, for: 1s',
    'worker: value {"draw":1,"of":[5]}; allowed workers of the fleet, 0 to 1',
  ],
  ['kind: crash, worker: 0, at: 1s, for: 1s, every: 5s', 'times: missing; allowed more than 1 with every, 1 without'],
  ['kind: crash, worker: 0, at: 1s, for: 1s, times: 5', 'times: value 5; allowed more than 1 with every, 1 without'],
  ['kind: crash, worker: 0, at: 1s, for: 9s, every: 5s, times: 2', 'every: value "5s"; allowed at least for'],
  [
    'kind: slow, worker: 0, at: 1s, for: none, factor: 2, every: 5s, times: 2',
    'every: value "5s"; allowed at least for',
  ],
  ['kind: restart, worker: 0, at: 1s, load: 9s, every: 5s, times: 2', 'every: value "5s"; allowed at least for'],
  [
    'kind: crash, worker: 0, at: 1s, for: 1s, rate: 2',
    'until: missing; allowed with rate, the instant from which on none begins',
  ],
  ['kind: crash, worker: 0, at: 1s, for: 1s, rate: 2, until: 1s', 'until: value "1s"; allowed after at'],
  ['kind: crash, worker: 0, at: 1s, for: 1s, until: 2s', 'until: value "2s"; allowed only with rate'],
  [
    'kind: crash, worker: 0, at: 1s, for: 1s, rate: 2, until: 2s, every: 5s, times: 3',
    'rate: value 2; allowed without every and times',
  ],
  ['kind: crash, worker: 0, at: 1s, for: 1s, active: 1.5', 'active: value 1.5; allowed a number from 0 to 1'],
  ['kind: crash, worker: 0, at: 1s, for: 1s, fires: -1', 'fires: value -1; allowed a number from 0 to 1'],
  [
    'kind: crash, worker: 0, at: 1s, for: 1s, name: a b',
    'name: value "a b"; allowed up to 64 letters, digits, - and _',
  ],
  [
    'kind: hang, worker: 0, at: 1s, for: none',
    "for: value \"none\"; allowed a duration with its unit, such as '50ms', '1.5s' or '2m30s'",
  ],
  ['kind: hang, worker: 0, at: 1s, for: 1s, scope: all', 'scope: value "all"; allowed process, engine'],
  ['kind: cut, worker: 0, at: 1s, for: 1s, ratio: 1, after: 0', 'after: value 0; allowed '],
  [
    'kind: partition, worker: 0, at: 1s, for: none',
    'for: value "none"; allowed a duration: what belongs to requests waits for the end',
  ],
  ['kind: partition, worker: 0, at: 1s, for: 1s, loses: []', 'loses: value []; allowed at least 1 entry'],
  [
    'kind: cut, worker: 0, at: 1s, for: 1s, ratio: 1, age: 1s, silence: 1s',
    'silence: value "1s"; allowed one of after, age',
  ],
  ['kind: cut, worker: 0, at: 1s, for: 1s, ratio: 1, after: 60s', 'after: value "60s"; allowed'],
  ['kind: drain, worker: 0, at: 1s, bound: 5s, notice: 6s', 'notice: value "6s"; allowed at most bound'],
  [
    'kind: partition, worker: 0, at: 1s, for: 1s, loses: [metrics]',
    'loses.0: value "metrics"; allowed requests, reports, probes',
  ],
  [
    'kind: misreport, worker: 0, at: 1s, for: 1s, says: {}',
    'says: value {}; allowed at least one field of a load report',
  ],
  ['kind: skew, worker: 0, at: 1s, for: 1s', 'ahead: missing; allowed one of ahead and behind'],
  [
    'kind: skew, worker: 0, at: 1s, for: 1s, ahead: 1s, behind: 1s',
    'ahead: value "1s"; allowed one of ahead and behind',
  ],
  ['kind: join, worker: 0, at: 1s', 'load: missing; allowed a duration'],
  ['kind: join, worker: 0, at: 1s, load: 0s, every: 1s', 'every: unknown key; allowed kind, worker, name, at, load'],
  ['kind: drain, worker: 0, at: 1s, for: 5s', 'bound: missing; allowed at most for'],
  ['kind: drain, worker: 0, at: 1s, for: 5s, bound: 6s', 'bound: value "6s"; allowed at most for'],
  ['kind: rate-limit, worker: 0, at: 1s, for: 5s, status: 503', 'status: unknown key; allowed kind, worker, name, at'],
  ['kind: stall, at: 1s, for: 5s, worker: 0', 'worker: unknown key; allowed kind, host, name, at'],
];

describe('a wrong fault', () => {
  it.each(WRONG)('is refused with place, value and range: %s', (keys, message) => {
    const told = scenarioMessage(() => scenarioOf(`${MINIMAL}faults: [{${keys}}]\n`));
    expect(told.replace(/^x\.yaml:\d+:\d+ faults\.0\./, '').slice(0, message.length)).toBe(message);
    expect(told.split('\n')).toHaveLength(1);
  });

  it('is refused beside another that has its name, or its worker joins already', () => {
    const both = (first: string, second: string) =>
      scenarioMessage(() => scenarioOf(`${MINIMAL}faults:\n  - {${first}}\n  - {${second}}\n`));
    const crash = 'kind: crash, worker: 0, at: 1s, for: 1s';
    const named = both(`${crash}, name: crash-1`, crash);
    expect(named).toContain('faults.1.name: missing; allowed a name of its own: fault 0 has it');
    const joins = both('kind: join, worker: all, at: 1s, load: 0s', 'kind: join, worker: {draw: 1}, at: 1s, load: 0s');
    expect(joins).toContain('faults.1.worker: value {"draw":1}; allowed a worker that joins once: worker 0 does');
  });

  it('is refused when it comes to too many windows', () => {
    const rate = (perHour: number) =>
      `${MINIMAL}faults: [{kind: crash, worker: all, at: 0s, for: 1ms, rate: ${perHour}, until: 1h}]\n`;
    expect(scenarioMessage(() => scenarioOf(rate(50_001)))).toContain(
      'allowed at most 100000 windows in all, counted by begin and worker',
    );
    expect(resolveVariant(scenarioOf(rate(10))).config.faults.length).toBeGreaterThan(0);
  });
});

describe('the blocks of network and reports', () => {
  it.each([
    ['network: {worker: 5}', "network.worker: value 5; allowed a duration such as '20ms', or a mapping with dist"],
    ['network: {client: {dist: uniform, min: 2ms, max: 1ms}}', 'network.client.min: value "2ms"; allowed at most max'],
    ['reports: {loss: 2}', 'reports.loss: value 2; allowed a number from 0 to 1'],
    ['reports: {stamps: both}', 'reports.stamps: value "both"; allowed gateway, worker'],
    ['reports: {jitter: 1s}', 'reports.jitter: unknown key; allowed every, when, delay, loss, duplicates, stamps'],
  ])('are checked: %s', (line, message) => {
    expect(scenarioMessage(() => scenarioOf(`${MINIMAL}${line}\n`))).toContain(message);
  });

  it('take a latency that is drawn', () => {
    const network = 'network: {client: {dist: exponential, mean: 2ms}, worker: 1ms}\n';
    const reports = 'reports: {delay: {dist: uniform, min: 0ms, max: 3s}, loss: 0.1, duplicates: 0.2}\n';
    expect(resolveVariant(scenarioOf(MINIMAL + network + reports)).config).toMatchObject({
      network: { clientUs: { dist: 'exponential', mean: 2000, min: 0, max: Infinity }, workerUs: 1000 },
      reports: { delayUs: { dist: 'uniform', min: 0, max: 3e6 }, lossRatio: 0.1, duplicateRatio: 0.2 },
    });
  });
});

describe('the JSON Schema', () => {
  it('knows every kind of fault with its shared keys', () => {
    const text = JSON.stringify(scenarioJsonSchema());
    for (const kind of ['crash', 'hang', 'cut', 'partition', 'join', 'drain', 'rate-limit']) {
      expect(text).toContain(`"const":"${kind}"`);
    }
    expect(text).toContain('Begins an hour at random (Poisson)');
  });
});
