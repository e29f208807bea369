/**
 * The house rules, checked on every source; test/tidy/checkers.test.ts shows that each checker finds what it is for.
 */
import { describe, expect, it } from 'vitest';
import { checkImports, staleImportExceptions } from './tidy/imports.ts';
import { checkPurity, staleExceptions } from './tidy/purity.ts';
import { checkForm, checkHeader, checkMachinePaths, checkSizes, checkTestNames } from './tidy/shape.ts';
import { filesUnder, parse, readText, type Source } from './tidy/source.ts';
import { checkUnusedExports, entryPointsOf } from './tidy/unused-exports.ts';

const files = filesUnder('.');
const sources: Source[] = files
  .filter((path) => path.endsWith('.ts') && (/^(policies|src|test)\//.test(path) || path.endsWith('.config.ts')))
  .map((path) => parse(path, readText(path)));
const tests = sources.filter((source) => source.path.endsWith('.test.ts'));

/** Parts of the lab and the proxy that no command reaches yet. Remove a line with the command that does. */
const UNDER_WAY = [
  // Its one caller is the pool of threads, by the name of the file.
  'src/lab/fuzz/fuzz-thread.ts',
  ...['src/lab/recovery.ts', 'src/lab/user-policies.ts'],
];

describe('the sources', () => {
  it('are found', () => {
    const rooms = ['policies/', 'src/kernel/', 'src/gateway/', 'src/sim/', 'test/'];
    for (const room of rooms) expect(sources.some((source) => source.path.startsWith(room))).toBe(true);
  });

  it('import what the table of rooms allows', () => {
    expect(sources.flatMap(checkImports)).toEqual([]);
    expect(staleImportExceptions(sources)).toEqual([]);
  });

  it('know no clock, timer, unseeded draw or locale, and the cores no promise', () => {
    expect(sources.flatMap((source) => checkPurity(source))).toEqual([]);
    expect(staleExceptions(sources)).toEqual([]);
  });

  it('stay short', () => {
    expect(sources.flatMap(checkSizes)).toEqual([]);
  });

  it('have plain names, no default export and no unfinished business', () => {
    expect(sources.flatMap(checkForm)).toEqual([]);
  });

  it('say what they are about', () => {
    expect(sources.flatMap(checkHeader)).toEqual([]);
  });

  it('export what somebody uses', () => {
    const known = entryPointsOf(readText('package.json'));
    expect(checkUnusedExports(sources, [...known, ...UNDER_WAY])).toEqual([]);
  });
});

describe('the tests', () => {
  it('are named by what they claim', () => {
    expect(tests.flatMap(checkTestNames)).toEqual([]);
  });
});

describe('every text', () => {
  it('names no path of the machine it was written on', () => {
    const texts = files.filter((path) => /\.(ts|js|json|ya?ml|md|html|cpp|csv|jsonl)$|\/run$/.test(path));
    expect(texts.flatMap((path) => checkMachinePaths(path, readText(path)))).toEqual([]);
  });
});
