/** Each checker, shown what it is for: planted violations it must find and innocent look-alikes it must pass. */
import { describe, expect, it } from 'vitest';
import { checkImports, staleImportExceptions } from './imports.ts';
import { checkPurity, staleExceptions } from './purity.ts';
import {
  FILE_LINES,
  FUNCTION_LINES,
  LINE_COLUMNS,
  checkForm,
  checkHeader,
  checkMachinePaths,
  checkSizes,
  checkTestNames,
} from './shape.ts';
import { parse, type Violation } from './source.ts';
import { checkUnusedExports, entryPointsOf } from './unused-exports.ts';

/** Lines of `path` that a checker complains of. */
function linesOf(violations: readonly Violation[]): number[] {
  return violations.map((violation) => Number(violation.split(':')[1]));
}

describe('checkImports', () => {
  const refused: [string, string][] = [
    ['policies/gate/open.ts', `import { EventQueue } from '../../src/kernel/event-queue.ts';`],
    ['policies/gate/open.ts', `import { z } from 'zod';`],
    ['src/kernel/clock.ts', `import { readFileSync } from 'node:fs';`],
    ['src/kernel/clock.ts', `import seedrandom from 'seedrandom';`],
    ['src/gateway/gateway.ts', `import { makePolicy } from '../../policies/index.ts';`],
    ['src/gateway/gateway.ts', `import { type Queue, QUEUES } from '../../policies/types.ts';`],
    ['src/gateway/gateway.ts', `export * from '../sim/world.ts';`],
    ['src/worker/engine.ts', `import type { Queue } from '../../policies/types.ts';`],
    ['src/sim/world.ts', `import { proxy } from '../live/proxy.ts';`],
    ['src/sim/world.ts', `type Proxy = import('../live/proxy.ts').Proxy;`],
    ['src/live/proxy.ts', `const sim = await import('../sim/world.ts');`],
    ['src/report/table.ts', `import { run } from '../lab/run.ts';`],
    ['src/lab/run.ts', `import yargs from 'yargs';`],
    ['src/attic/old.ts', `export const empty = 1;`],
  ];
  it.each(refused)('refuses in %s: %s', (path, text) => {
    expect(linesOf(checkImports(parse(path, text)))).toEqual([1]);
  });

  const allowed: [string, string][] = [
    ['policies/gate/open.ts', `import { assert } from '../../src/kernel/assert.ts';`],
    ['policies/gate/config.ts', `import { z } from 'zod';`],
    ['policies/cache/hash.ts', `import { blake3 } from '@noble/hashes/blake3.js';`],
    ['src/gateway/gateway.ts', `import type { Queue } from '../../policies/types.ts';`],
    ['src/gateway/gateway.ts', `import { type Queue } from '../../policies/types.ts';`],
    ['src/kernel/rng.ts', `import seedrandom from 'seedrandom';`],
    ['src/report/table.ts', `import type { Verdict } from '../lab/expect.ts';`],
    ['src/cli/main.ts', `const { run } = await import('../lab/run.ts');`],
    ['test/sim/world.test.ts', `import { proxy } from '../../src/live/proxy.ts';`],
  ];
  it.each(allowed)('passes in %s: %s', (path, text) => {
    expect(checkImports(parse(path, text))).toEqual([]);
  });

  it('reports an exception that its file needs no more', () => {
    const stale = staleImportExceptions([parse('src/kernel/rng.ts', '')]);
    expect(stale).toContain('src/kernel/rng.ts: seedrandom');
  });
});

describe('checkPurity', () => {
  const refused = [
    'const at = Date.now();',
    `const at = Date['now']();`,
    'const { now } = Date;',
    'const at = new Date(0);',
    'const at = performance.now();',
    'const at = process.hrtime.bigint();',
    'const used = process.cpuUsage();',
    'const draw = Math.random();',
    'const draw = Math.random;',
    'setTimeout(() => undefined, 1);',
    'globalThis.setInterval(() => undefined, 1);',
    'const later = setImmediate;',
    'queueMicrotask(() => undefined);',
    'process.nextTick(() => undefined);',
    'const id = crypto.randomUUID();',
    `import { randomBytes } from 'node:crypto';`,
    `import * as crypto from 'crypto';`,
    `import { setTimeout as sleep } from 'node:timers/promises';`,
    `import { performance as clock } from 'node:perf_hooks';`,
    `const order = 'a'.localeCompare('b');`,
    'const text = (1.5).toLocaleString();',
    'const format = new Intl.NumberFormat();',
  ];
  it.each(refused)('refuses outside the real host: %s', (text) => {
    for (const path of ['policies/a.ts', 'src/lab/a.ts', 'src/report/a.ts', 'test/sim/a.test.ts']) {
      expect(linesOf(checkPurity(parse(path, text))).at(0)).toBe(1);
    }
    for (const path of ['src/live/a.ts', 'src/cli/a.ts', 'test/live/a.test.ts', 'test/bench/a.bench.ts']) {
      expect(checkPurity(parse(path, text))).toEqual([]);
    }
  });

  const promises = [
    'async function run() {}',
    'const run = async () => 1;',
    'const value = await queue;',
    'for await (const line of lines) count(line);',
    'const done = Promise.resolve();',
    'let done: Promise<void>;',
    `const lazy = import('./lazy.ts');`,
  ];
  it.each(promises)('refuses in synchronous rooms only: %s', (text) => {
    const rooms = ['policies', 'src/kernel', 'src/gateway', 'src/dataset', 'src/worker', 'src/sim'];
    for (const room of rooms) expect(checkPurity(parse(`${room}/a.ts`, text))).not.toEqual([]);
    expect(checkPurity(parse('src/lab/a.ts', text))).toEqual([]);
  });

  const innocent = [
    '// Date.now and Math.random are banned, await too',
    `const text = 'setTimeout';`,
    'const micros = Date.UTC(2023, 10, 16) + Date.parse(text);',
    'interface Clock { now(): number; performance: number }',
    'const result = { performance: 1, crypto: 2 }; result.performance;',
    'function at(performance: number) {}',
    `import { createHash } from 'node:crypto';`,
    'class Gate { setTimeout(us: number) {} }',
  ];
  it.each(innocent)('passes a look-alike: %s', (text) => {
    expect(checkPurity(parse('policies/a.ts', text))).toEqual([]);
  });

  it('honours a written exception, and reports it once it is not needed', () => {
    const exceptions = [{ path: 'test/a.test.ts', name: 'setImmediate', reason: 'yields to a stream' }];
    const needed = parse('test/a.test.ts', 'setImmediate(done); Math.random();');
    expect(checkPurity(needed, exceptions)).toEqual([expect.stringContaining('Math.random')]);
    expect(staleExceptions([needed], exceptions)).toEqual([]);
    expect(staleExceptions([parse('test/a.test.ts', '')], exceptions)).toEqual(['test/a.test.ts: setImmediate']);
  });
});

describe('checkSizes', () => {
  const bodyOf = (lines: number) => Array.from({ length: lines }, () => 'count++;').join('\n');

  it('measures files, functions and lines', () => {
    const longFunction = `function grow() {\n${bodyOf(FUNCTION_LINES - 1)}\n}`;
    expect(linesOf(checkSizes(parse('src/sim/a.ts', longFunction)))).toEqual([1]);
    expect(linesOf(checkSizes(parse('src/sim/a.ts', bodyOf(FILE_LINES + 1))))).toEqual([1]);
    expect(linesOf(checkSizes(parse('src/sim/a.ts', `\n// ${'é'.repeat(LINE_COLUMNS - 2)}`)))).toEqual([2]);
  });

  it('passes what just fits', () => {
    const fits = `function grow() {\n${bodyOf(FUNCTION_LINES - 2)}\n}`;
    expect(checkSizes(parse('src/sim/a.ts', fits))).toEqual([]);
    expect(checkSizes(parse('src/sim/a.ts', `${bodyOf(FILE_LINES)}\n`))).toEqual([]);
    expect(checkSizes(parse('src/sim/a.ts', `// ${'é'.repeat(LINE_COLUMNS - 3)}`))).toEqual([]);
  });

  it('measures a test, not the suite around it', () => {
    const suite = `describe('a', () => {\n${bodyOf(FUNCTION_LINES)}\n});`;
    expect(checkSizes(parse('test/a.test.ts', suite))).toEqual([]);
    expect(linesOf(checkSizes(parse('test/a.test.ts', suite.replace('describe', 'it'))))).toEqual([1]);
  });
});

describe('checkForm', () => {
  const unfinished = ['// TO', 'DO later'].join('');
  const refused: [string, string][] = [
    ['src/sim/HostCpu.ts', ''],
    ['src/sim/host_cpu.ts', ''],
    ['src/sim/utils.ts', ''],
    ['src/sim/time-utils.ts', ''],
    ['src/helpers/time.ts', ''],
    ['src/sim/a.ts', 'export default 1;'],
    ['src/sim/a.ts', 'export default function run() {}'],
    ['src/sim/a.ts', 'export { run as default };'],
    ['src/sim/a.ts', unfinished],
  ];
  it.each(refused)('refuses in %s: %s', (path, text) => {
    expect(linesOf(checkForm(parse(path, text)))).toEqual([1]);
  });

  it('passes kebab-case, tests, benches and the configuration of tools', () => {
    const paths = ['src/sim/host-cpu.ts', 'test/a-b.property.test.ts', 'test/bench/hold-model.bench.ts'];
    for (const path of paths) expect(checkForm(parse(path, 'export const a = 1;'))).toEqual([]);
    expect(checkForm(parse('vitest.config.ts', 'export default 1;'))).toEqual([]);
  });
});

describe('checkHeader', () => {
  it('asks for an opening comment in policies and src', () => {
    const silent = ['', '// short', '/** Too few words. */', 'const a = 1;\n/** Five words after the code. */'];
    for (const text of silent) expect(linesOf(checkHeader(parse('policies/gate/open.ts', text)))).toEqual([1]);
    expect(checkHeader(parse('policies/gate/open.ts', '/** The gate that is always open. */'))).toEqual([]);
    expect(checkHeader(parse('test/a.test.ts', ''))).toEqual([]);
  });
});

describe('checkUnusedExports', () => {
  const source = parse(
    'src/sim/a.ts',
    [
      'export const used = 1;',
      'export function idle() {}',
      'export interface Idle { a: 1 }',
      'export type Own = 1; let own: Own;',
    ].join('\n'),
  );
  const user = (text: string) => parse('test/sim/a.test.ts', text);

  it('reports values nobody imports and types nobody mentions', () => {
    const test = user(`import { used } from '../../src/sim/a.ts';`);
    expect(linesOf(checkUnusedExports([source, test], []))).toEqual([2, 3]);
  });

  it('counts namespace imports, import() and re-exports as use of everything', () => {
    for (const text of ['import * as a from', 'export * from', 'await import']) {
      const whole = user(text === 'await import' ? `${text}('../../src/sim/a.ts');` : `${text} '../../src/sim/a.ts';`);
      expect(checkUnusedExports([source, whole], [])).toEqual([]);
    }
  });

  it('passes entry points and the run of a bench', () => {
    expect(checkUnusedExports([source], ['src/sim/a.ts'])).toEqual([]);
    expect(checkUnusedExports([parse('test/bench/a.bench.ts', 'export function run() {}')], [])).toEqual([]);
  });

  it('finds entry points in package.json', () => {
    const entries = { '.': { types: './dist/a.d.ts', default: './dist/a.js' } };
    const text = JSON.stringify({ bin: { s: 'dist/src/cli/main.js' }, exports: entries });
    expect(entryPointsOf(text)).toEqual(['src/cli/main.ts', 'a.ts']);
  });
});

describe('checkMachinePaths', () => {
  it('reports paths of one machine, not words that contain them', () => {
    const machine = ['work', 'root'].map((folder) => `read /${folder}/file`);
    for (const text of machine) expect(linesOf(checkMachinePaths('README.md', `\n${text}`))).toEqual([2]);
    const innocent = 'https://example.org/work/a network/work/b ./root/c';
    expect(checkMachinePaths('README.md', innocent)).toEqual([]);
  });
});

describe('checkTestNames', () => {
  it('reports empty promises in names', () => {
    const text = [
      `it('should admit', () => {});`,
      `it('works', () => {});`,
      `it.each(table)('answers %s correctly', () => {});`,
      `describe('', () => {});`,
    ].join('\n');
    expect(linesOf(checkTestNames(parse('test/a.test.ts', text)))).toEqual([1, 2, 3, 4]);
  });

  it('passes claims in the present tense', () => {
    const text = `describe('Breaker', () => { it('admits one probe while work is held', () => {}); });`;
    expect(checkTestNames(parse('test/a.test.ts', text))).toEqual([]);
  });
});
