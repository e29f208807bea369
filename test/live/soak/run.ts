/** `npm run soak`, `npm run soak -- --seconds 1800`: the soak test for so long, two minutes unless told otherwise. */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '120' } } });
if (!/^\d{1,5}$/.test(values.seconds)) {
  console.error(`--seconds: value ${values.seconds}; allowed a whole number of seconds`);
  process.exit(2);
}
const env = { ...process.env, SPILLWAY_SOAK_SECONDS: values.seconds };
const ended = spawnSync('npx', ['vitest', 'run', 'test/live/soak.test.ts'], { stdio: 'inherit', env });
process.exitCode = ended.status ?? 1;
