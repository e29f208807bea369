/**
 * Measured runs of one scenario in a process of its own: `trace-run.ts SCENARIO fast|step RUNS [records]` prints one
 * JSON line for each run. The first is cold, the later ones meet compiled code. With `records` every request's record
 * is made into a line and written, as `run --out` does, though to nowhere.
 */
import { openSync, writeSync } from 'node:fs';
import { devNull } from 'node:os';
import { resolveVariant } from '../../src/lab/resolve.ts';
import { runScenario } from '../../src/lab/run.ts';
import { parseScenario } from '../../src/lab/scenario.ts';

const BUFFER_CHARS = 65_536;

const [text = '', mode = 'fast', runs = '1', records] = process.argv.slice(2);
const scenario = parseScenario(text, 'bench.yaml');
const file = openSync(devNull, 'w');
let lines = '';
const onRecord = (record: object): void => {
  lines += `${JSON.stringify(record)}\n`;
  if (lines.length < BUFFER_CHARS) return;
  writeSync(file, lines);
  lines = '';
};
for (let run = 0; run < Number(runs); run++) {
  const resolved = resolveVariant(scenario, 'base', { fastForward: mode === 'fast' });
  const before = process.cpuUsage();
  const { result, status } = await runScenario(resolved, records === undefined ? {} : { onRecord });
  const { user, system } = process.cpuUsage(before);
  const { completed, digest, simulated_seconds: simulatedSeconds } = result;
  const cpuSeconds = (user + system) / 1e6;
  const rssMb = process.resourceUsage().maxRSS / 1024;
  console.log(JSON.stringify({ status, completed, digest, simulatedSeconds, cpuSeconds, rssMb }));
}
