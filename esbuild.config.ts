/**
 * Makes `dist/spillway.cjs` of the sources, and `dist/spillway.cache` of what V8 compiles when it runs two scenarios:
 * see src/cli/bundle.ts, which loads them. Part of `npm run build`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { compileBundle } from './src/cli/bundle.ts';
import type { Terminal } from './src/cli/terminal.ts';

const ROOT = import.meta.dirname;
const BUNDLE = join(ROOT, 'dist/spillway.cjs');

const ENTRY = `
  export { runProgram } from './src/cli/program.ts';
  export { processTerminal } from './src/cli/terminal.ts';
`;

/** What no run loads, or what finds files of its own beside itself. */
const PACKAGES = ['cli-progress', 'fast-check', 'pino', 'piscina', 'prom-client', 'undici'];

/**
 * In one file every module still says of itself where the build has it. And zod is imported as a namespace, so that
 * what nobody uses of it, sixty languages, is left out.
 */
const ownModules: Plugin = {
  name: 'own modules',
  setup(plugged) {
    plugged.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const file = relative(ROOT, path).replace(/\.ts$/, '.js');
      const contents = readFileSync(path, 'utf8')
        .replace("import { z } from 'zod'", "import * as z from 'zod'")
        .replaceAll('import.meta.filename', `ownFile(${JSON.stringify(file)})`)
        .replaceAll('import.meta.dirname', `ownFile(${JSON.stringify(dirname(file))})`)
        .replaceAll('import.meta.url', `ownUrl(${JSON.stringify(file)})`);
      return { contents, loader: 'ts' };
    });
  },
};

async function writeBundle(): Promise<void> {
  await build({
    stdin: { contents: ENTRY, resolveDir: ROOT, loader: 'ts' },
    outfile: BUNDLE,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    external: PACKAGES,
    // Of packages: of our own modules the plugin has replaced it.
    define: { 'import.meta.url': 'bundleUrl' },
    // A script of node:vm has no import().
    supported: { 'dynamic-import': false },
    // Names stay, for traces of the stack.
    minifyWhitespace: true,
    minifySyntax: true,
    plugins: [ownModules],
    logLevel: 'warning',
  });
}

/** Runs what a run runs, a workload and a trace, and keeps the code of every function that was called. */
async function writeCache(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-build-'));
  try {
    const trace = join(folder, 'trace.csv');
    const rows = Array.from({ length: 200 }, (_, i) => `${i / 20},${400 + ((i * 37) % 300)},${100 + ((i * 53) % 90)}`);
    writeFileSync(trace, ['arrived_at_s,prompt_tokens,output_tokens', ...rows, ''].join('\n'));
    const { script, run } = compileBundle(BUNDLE);
    const { runProgram } = run();
    for (const what of ['default', trace]) {
      const code = await runProgram(['run', what, '--json'], NOBODY);
      if (code !== 0) throw new Error(`the bundle's run of ${what} ends with exit code ${code}`);
    }
    writeFileSync(BUNDLE.replace(/\.cjs$/, '.cache'), script.createCachedData());
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const NOBODY: Terminal = {
  print: () => Promise.resolve(),
  warn: () => undefined,
  width: 100,
  colors: false,
  progress: false,
};

await writeBundle();
await writeCache();
