/**
 * The program in one file: `dist/spillway.cjs`, which a build makes of the sources beside the modules, and with it what
 * V8 compiled of that file (`dist/spillway.cache`). A process that runs one scenario and exits spends most of its time
 * on loading: of 0.65 s CPU for some 700 modules the one file leaves 0.3 s, and what was compiled before 0.2 s.
 *
 * V8 takes the cache for the file, version and flags that it was made with; otherwise it compiles as ever.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import type * as Program from './program.ts';
import type * as Terminals from './terminal.ts';

/**
 * Half of the CPU time of a first run is TurboFan at work; with a third as much inlined into each function it is done
 * sooner. Three traces of 10,000 to 19,000 requests, Node 20.20: a first run takes 0.07 to 0.09 s less of 0.43 to 0.68,
 * a warm one 3 to 15 % more. Commands of many runs, which are not started from here, keep V8's own 920.
 */
const V8_FLAGS = '--max-inlined-bytecode-size-cumulative=300';

/** What the bundle exports: its entry is made by esbuild.config.ts. */
export type BundledProgram = Pick<typeof Program, 'runProgram'> & Pick<typeof Terminals, 'processTerminal'>;

/** What the bundle is a function of; esbuild.config.ts writes its text against these names. */
const BUNDLE_PARAMETERS = ['exports', 'require', 'module', 'ownFile', 'ownUrl', 'bundleUrl'] as const;

/** The names are the parameters'. `ownFile` answers where the build has what a path of the package names. */
type Bundle = (
  exports: object,
  require: NodeJS.Require,
  module: { exports: object },
  ownFile: (path: string) => string,
  ownUrl: (path: string) => string,
  bundleUrl: string,
) => void;

export interface CompiledBundle {
  readonly script: Script;
  readonly run: () => BundledProgram;
}

/** The bundle at this path, with its cache when there is one; sets V8's flags. */
export function compileBundle(path: string): CompiledBundle {
  // First, since the flags are part of what a cache is valid for.
  setFlagsFromString(V8_FLAGS);
  const cache = path.replace(/\.cjs$/, '.cache');
  const cachedData = existsSync(cache) ? readFileSync(cache) : undefined;
  // It is ASCII: esbuild escapes the rest.
  const source = `(function (${BUNDLE_PARAMETERS.join(', ')}) {${readFileSync(path, 'latin1')}\n})`;
  const script = new Script(source, { filename: path, ...(cachedData === undefined ? {} : { cachedData }) });
  return {
    script,
    run() {
      const bundle = script.runInThisContext() as Bundle;
      const module = { exports: {} };
      const ownFile = (file: string): string => join(dirname(path), file);
      const ownUrl = (file: string): string => pathToFileURL(ownFile(file)).href;
      bundle(module.exports, createRequire(path), module, ownFile, ownUrl, pathToFileURL(path).href);
      return module.exports as BundledProgram;
    },
  };
}

/**
 * The program of this build for `spillway run`; undefined where there is none (a checkout), for other commands, and for
 * a run with modules of the user's own: what these import of Spillway must not be a second copy of what runs them.
 */
export function bundleFor(args: readonly string[], path: string): BundledProgram | undefined {
  const ownModules = args.some((arg) => /^--(policies|invariants)\b/.test(arg));
  if (args[0] !== 'run' || ownModules || !existsSync(path)) return undefined;
  return compileBundle(path).run();
}
