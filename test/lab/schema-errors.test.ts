import { describe, expect, it } from 'vitest';
import { MINIMAL, scenarioMessage, scenarioOf } from './scenario-texts.ts';

/** [what is replaced, by what, the whole message] */
const REPLACED: readonly (readonly [string, string, string])[] = [
  ['count: 2', 'count: 0', 'x.yaml:5:5 fleet.0.count: value 0; allowed a whole number from 1 to 10000'],
  ['count: 2', 'count: 2.5', 'x.yaml:5:5 fleet.0.count: value 2.5; allowed a whole number from 1 to 10000'],
  ['count: 2', 'count: .nan', 'x.yaml:5:5 fleet.0.count: value NaN; allowed a whole number from 1 to 10000'],
  [
    'count: 2',
    'cuont: 2',
    'x.yaml:5:5 fleet.0.cuont: unknown key; ' +
      "allowed count, engine, disaggregated, endpoint, quota (did you mean 'count'?)",
  ],
  ['fleet:\n  - count: 2', 'fleet: []', 'x.yaml:4:1 fleet: value []; allowed at least 1 entry'],
  [
    'rate: 10',
    'rate: fast',
    'x.yaml:8:33 workload.arrivals.rate: value "fast"; allowed a number from 0.001 to 1000000',
  ],
  [
    'rate: 10',
    'rate: -1',
    'x.yaml:8:33 workload.arrivals.rate: value -1; allowed a number from 0.001 to 1000000',
  ],
  [
    'kind: open',
    'kind: opne',
    "x.yaml:7:3 workload.kind: value \"opne\"; allowed open, closed, mix, trace, dataset (did you mean 'open'?)",
  ],
  [
    'requests: 5',
    'requests: none',
    'x.yaml:6:1 workload.duration: missing; allowed a duration or a number of requests: one must end it',
  ],
  [
    'requests: 5',
    'duration: 60',
    "x.yaml:9:3 workload.duration: value 60; " +
      "allowed a duration with its unit, such as '50ms', '1.5s' or '2m30s', or 'none'",
  ],
  [
    'prompt: 100',
    'prompt: {dist: gama, mean: 5, cv: 1}',
    'x.yaml:10:12 workload.prompt.dist: value "gama"; ' +
      "allowed constant, uniform, exponential, normal, lognormal, gamma (did you mean 'gamma'?)",
  ],
  [
    'prompt: 100',
    'prompt: {dist: uniform, min: 9, max: 3}',
    'x.yaml:10:27 workload.prompt.min: value 9; allowed at most max',
  ],
  ['name: example\n', '', 'x.yaml:1:1 name: missing; allowed text'],
  [
    'why: To have one. It shows nothing.',
    'why: " "',
    'x.yaml:2:1 why: value " "; allowed prose of at least one sentence',
  ],
];

/** [what is appended, the whole message] */
const APPENDED: readonly (readonly [string, string])[] = [
  [
    'faults: [{kind: crash, worker: 2, at: 1s, for: none}]',
    "x.yaml:12:24 faults.0.worker: value 2; allowed a worker of the fleet, 0 to 1, or 'all'",
  ],
  [
    'faults: [{kind: errors, worker: all, at: 1s, for: 1s, ratio: 1.5}]',
    'x.yaml:12:55 faults.0.ratio: value 1.5; allowed a number from 0 to 1',
  ],
  [
    'faults: [{kind: stall, at: 1s, for: 2s, every: 1s, times: 3}]',
    'x.yaml:12:41 faults.0.every: value "1s"; allowed at least for',
  ],
  [
    'policies: {router: {name: power-of-tow}}',
    'x.yaml:12:21 policies.router.name: value "power-of-tow"; ' +
      'allowed power-of-two, least-load, least-request, round-robin, random, passthrough, cache-aware, prefix-hash, ' +
      "consistent-hashing, manual, bucket, dp-min-tokens, kv-cost (did you mean 'power-of-two'?)",
  ],
  [
    'policies: {queue: {name: fifo, sze: 3}}',
    "x.yaml:12:32 policies.queue.sze: unknown key; " +
      "allowed name, variant, size, timeout (did you mean 'size'?)",
  ],
  [
    'variants: {base: {set: {seed: 2}}}',
    'x.yaml:12:12 variants.base: name "base"; allowed up to 64 letters, digits, - and _, and not base',
  ],
  ['variants: {v: {set: {sede: 2}}}', 'x.yaml:12:22 sede: unknown key; allowed '],
  [
    'variants: {v: {set: {fleet.0.engine.blocks: 0}}}',
    'x.yaml:12:22 fleet.0.engine.blocks: value 0; allowed a whole number from 1 to 100000000',
  ],
  [
    'variants: {v: {set: {fleet.9.count: 3}}}',
    "x.yaml:12:22 fleet.9.count: '9' is no index of fleet; allowed 0 to 0, or 1 to add one",
  ],
  [
    'variants: {v: {set: {expect: []}}}',
    'x.yaml:12:22 expect: cannot be overridden; allowed keys of the world, such as fleet',
  ],
  [
    'expect: [{variant: w, path: failed, equals: 0}]',
    'x.yaml:12:11 expect.0.variant: value "w"; allowed base',
  ],
  [
    'expect: [{path: faild, equals: 0}]',
    "x.yaml:12:11 expect.0.path: value \"faild\"; " +
      "allowed a field of the result document (did you mean 'failed'?)",
  ],
  [
    'expect: [{path: failed, equals: 0, above: 1}]',
    'x.yaml:12:10 expect.0: value {"path":"failed","equals":0,"above":1}; ' +
      'allowed exactly one of equals, above, below, atLeast, atMost, between (here 2)',
  ],
];

/** [text, the whole message or its beginning] */
const BROKEN: readonly (readonly [string, string, string])[] = [
  ['a duplicate key', `${MINIMAL}name: other\n`, 'x.yaml:12:1 the key is there twice; allowed once'],
  [
    'a tag',
    MINIMAL.replace('made up', '!!binary aGk='),
    'x.yaml:3:18 tag tag:yaml.org,2002:binary; allowed no tags',
  ],
  ['a second document', `${MINIMAL}---\na: 1\n`, 'x.yaml:12:1 a second document; allowed one'],
  ['a YAML 1.1 directive', `%YAML 1.1\n---\n${MINIMAL}`, 'x.yaml:1:1 value %YAML 1.1; allowed YAML 1.2'],
  [
    'a merge key',
    MINIMAL.replace('- count: 2', '- <<: {count: 2}'),
    'x.yaml:5:5 fleet.0.<<: unknown key; allowed count, engine, disaggregated, endpoint',
  ],
  [
    'a key that is a list',
    `${MINIMAL}? [a]\n: 1\n`,
    'x.yaml:12:3 a key that is no plain text; allowed a name',
  ],
  [
    '__proto__',
    `${MINIMAL}__proto__: {a: 1}\n`,
    'x.yaml:12:1 __proto__: unknown key; allowed any other name',
  ],
  [
    'an alias without anchor',
    `${MINIMAL}seed: *s\n`,
    'x.yaml:12:7 alias *s; allowed an anchor that stands above',
  ],
  ['tabs', 'name:\n\t- 1\n', 'x.yaml:2:1 not YAML: Tabs are not allowed as indentation'],
  ['an empty file', '# nothing\n', 'x.yaml:1:1 scenario: empty; allowed a mapping'],
  ['a list', '- 1\n', 'x.yaml:1:1 scenario: value [1]; allowed a mapping of keys to values'],
];

describe('a wrong scenario', () => {
  it.each(REPLACED)('is refused with place, value and range: %s → %s', (good, bad, message) => {
    expect(MINIMAL).toContain(good);
    expect(scenarioMessage(() => scenarioOf(MINIMAL.replace(good, bad)))).toBe(message);
  });

  it.each(APPENDED)('is refused with place, value and range: %s', (line, message) => {
    expect(scenarioMessage(() => scenarioOf(`${MINIMAL}${line}\n`))).toMatch(startingWith(message));
  });

  it.each(BROKEN)('is refused when its YAML has %s', (_, text, message) => {
    expect(scenarioMessage(() => scenarioOf(text))).toMatch(startingWith(message));
  });

  it('is refused when its aliases multiply', () => {
    const ten = (alias: string) => `[${Array.from({ length: 10 }, () => alias).join(',')}]`;
    const text = `a: &a ${ten('1')}\nb: &b ${ten('*a')}\nc: &c ${ten('*b')}\nd: ${ten('*c')}\n`;
    expect(scenarioMessage(() => scenarioOf(text))).toContain('allowed aliases that expand to at most 100');
  });

  it('is told five issues at once and how many more there are', () => {
    const lines = scenarioMessage(() => scenarioOf('{a: 1, b: 2, c: 3}')).split('\n');
    expect(lines).toHaveLength(6);
    expect(lines[5]).toBe('and 3 more like these');
  });
});

describe('anchors', () => {
  it('are fine, and an issue behind an alias is placed', () => {
    const anchored = MINIMAL.replace('prompt: 100', 'prompt: &d {dist: uniform, min: 1, max: 9}');
    const text = anchored.replace('output: 10', 'output: *d');
    expect(scenarioOf(text).base.workload).toMatchObject({ output: { dist: 'uniform', min: 1, max: 9 } });
    const bad = text.replace('max: 9', 'max: 0');
    const issue = (name: string) =>
      `x.yaml:10:38 workload.${name}.max: value 0; allowed a whole number from 1 to 1000000000`;
    expect(scenarioMessage(() => scenarioOf(bad))).toBe([issue('prompt'), issue('output')].join('\n'));
  });
});

function startingWith(message: string): RegExp {
  return new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}`);
}
