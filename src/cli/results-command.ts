/** `spillway compare --results A B`: two result documents side by side, simulated or real. */
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { reasonOf } from '../lab/scenario-error.ts';
import { type NamedResult, renderSideBySide, resultDifferences } from '../report/side-by-side.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

type Result = NamedResult['result'];

const ALLOWED = 'a result.json of spillway run or load, or its folder';
/** What every result has, by kind: enough to tell it from other JSON. */
const NUMBERS = ['offered', 'completed', 'failed', 'seed'] as const;
const TEXTS = ['scenario', 'scenario_hash', 'variant', 'digest'] as const;

/** Throws UsageError. */
export async function resultsCommand(paths: readonly string[], json: boolean, terminal: Terminal): Promise<ExitCode> {
  const [a, b] = named(paths as readonly [string, string]);
  if (json) {
    const side = ({ name, result: { scenario, variant, seed, target } }: NamedResult): object => {
      return { name, scenario, variant, seed, target: target ?? null };
    };
    const document = { a: side(a), b: side(b), differences: resultDifferences(a.result, b.result) };
    await terminal.print(`${JSON.stringify(document, undefined, 2)}\n`);
  } else {
    await terminal.print(renderSideBySide(a, b, terminal.width));
  }
  return EXIT.ok;
}

function named([first, second]: readonly [string, string]): [NamedResult, NamedResult] {
  const results = [resultAt(first), resultAt(second)] as const;
  const [one, two] = [nameOf(first), nameOf(second)];
  const names = one === two ? [first, second] : [one, two];
  return [
    { name: names[0] as string, result: results[0] },
    { name: names[1] as string, result: results[1] },
  ];
}

/** Of a folder its name, of a file that of its folder or its own. */
function nameOf(path: string): string {
  const own = basename(path);
  return own === 'result.json' ? basename(dirname(path)) : own.replace(/\.json$/, '');
}

function resultAt(given: string): Result {
  let text: string;
  let path = given;
  try {
    if (statSync(given).isDirectory()) path = join(given, 'result.json');
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--results: ${path}: ${reasonOf(error)}; allowed ${ALLOWED}`);
  }
  const document = jsonOf(text);
  if (isResult(document)) return document;
  const several = typeof document === 'object' && document !== null && 'variants' in document;
  const found = several ? 'results of several variants' : 'no result';
  throw new UsageError(`--results: ${path}: ${found}; allowed ${ALLOWED}${several ? ': that of one variant' : ''}`);
}

function isResult(document: unknown): document is Result {
  if (typeof document !== 'object' || document === null) return false;
  const members = document as Readonly<Record<string, unknown>>;
  const isWhole = typeof members['outcomes'] === 'object' && typeof members['held'] === 'object';
  return (
    isWhole &&
    NUMBERS.every((name) => typeof members[name] === 'number') &&
    TEXTS.every((name) => typeof members[name] === 'string')
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
