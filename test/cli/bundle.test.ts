/** The program in one file, as `npm run build` makes it: what runs it, and that it is the same program. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bundleFor } from '../../src/cli/bundle.ts';
import { packageRoot } from '../../src/lab/package-root.ts';
import { runScenario } from '../../src/lab/run.ts';
import { say } from './fake-terminal.ts';

const dist = join(packageRoot(), 'dist');
const path = join(dist, 'spillway.cjs');
const RUN = ['run', 'default', '--json'];

function node(...args: readonly string[]): string {
  return execFileSync(process.execPath, args, { encoding: 'utf8' });
}

/** All but `host`, which tells of the machine. */
function result(json: string): object {
  return { ...(JSON.parse(json) as object), host: undefined };
}

describe('the bundle', () => {
  it('runs a scenario to the same document as the modules', async () => {
    const { code, out } = await say(RUN, runScenario);
    expect(code).toBe(0);
    expect(result(node(join(dist, 'src/cli/main.js'), ...RUN))).toEqual(result(out));
  });

  it('has a cache of compiled code that the V8 of the build takes', () => {
    const loader = pathToFileURL(join(dist, 'src/cli/bundle.js')).href;
    const script = `import { compileBundle } from ${JSON.stringify(loader)};
      console.log(compileBundle(${JSON.stringify(path)}).script.cachedDataRejected);`;
    expect(node('--input-type=module', '-e', script).trim()).toBe('false');
  });

  it('is for runs without modules of the user, and for nothing else', () => {
    expect(existsSync(path)).toBe(true);
    expect(bundleFor(RUN, path)).toHaveProperty('runProgram');
    for (const args of [['compare', 'default'], ['--version'], []]) expect(bundleFor(args, path)).toBeUndefined();
    for (const flag of ['--policies', '--policies=mine.mjs', '--invariants', '--invariants=mine.mjs']) {
      expect(bundleFor([...RUN, flag], path)).toBeUndefined();
    }
    expect(bundleFor(RUN, join(dist, 'missing.cjs'))).toBeUndefined();
  });
});
