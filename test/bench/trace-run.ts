/** One measured run of a trace in a process of its own: `trace-run.ts FILE FLEET fast|step` prints one JSON line. */
import { parseScenario } from '../../src/lab/scenario.ts';
import { resolveVariant } from '../../src/lab/resolve.ts';
import { runScenario } from '../../src/lab/run.ts';

const [file = '', fleet = '', mode = 'fast'] = process.argv.slice(2);
const scenario = parseScenario(
  `{name: bench, why: speed, source: 'npm run bench', fleet: [${fleet}],
    workload: {kind: trace, path: ${JSON.stringify(file)}}}`,
  'bench.yaml',
);
const resolved = resolveVariant(scenario, 'base', { fastForward: mode === 'fast' });
const before = process.cpuUsage();
const { result, status } = await runScenario(resolved);
const { user, system } = process.cpuUsage(before);
console.log(
  JSON.stringify({
    status,
    completed: result.completed,
    digest: result.digest,
    events: result.events,
    simulatedSeconds: result.simulated_seconds,
    cpuSeconds: (user + system) / 1e6,
    rssMb: process.resourceUsage().maxRSS / 1024,
  }),
);
