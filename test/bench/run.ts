/**
 * Runs the benches: `npm run bench`, or `npm run bench -- hold-model` for those whose name contains a word. Each bench
 * module exports `run(): Promise<void>` and prints its own table. Nothing here is asserted: ratios inside one run mean
 * something, times on a shared machine do not.
 */
import { readdirSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

interface BenchModule {
  run(): Promise<void>;
}

const [processor] = cpus();
const model = processor?.model.trim() ?? 'unknown processor';
console.log(`${model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB`);
console.log(`Node ${process.version}, V8 ${process.versions.v8}`);

const words = process.argv.slice(2);
const files = readdirSync(new URL('.', import.meta.url))
  .filter((file) => /\.bench\.[jt]s$/.test(file))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
if (files.length === 0) {
  console.error(`no bench has a name with ${words.join(' or ')}`);
  process.exitCode = 2;
}
for (const file of files) {
  console.log(`\n${file.replace(/\.bench\.[jt]s$/, '')}`);
  const bench = (await import(new URL(file, import.meta.url).href)) as BenchModule;
  await bench.run();
}
