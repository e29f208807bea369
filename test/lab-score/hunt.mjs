/**
 * Draws and runs in a copy of the compiled sources with a bug in them, until something is found; tells how long that
 * took. With `--histories` it tells the digest of each run instead, of worlds whose hosts take no time.
 */
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const [dist, policies, seed, first, runsMax, secondsMax, mode] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(join(dist, 'src/lab/fuzz', path)).href);
const [{ FuzzBench }, { WHOLE_SPACE }] = [await load('bench.js'), await load('space.js')];
const draw = mode === '--histories' ? WHOLE_SPACE.draw.filter((feature) => feature !== 'host') : WHOLE_SPACE.draw;
const space = { ...WHOLE_SPACE, draw, policies: JSON.parse(policies) };
const bench = await FuzzBench.make({ space, seed: Number(seed), policyFile: undefined, invariantFile: undefined });
const begin = process.cpuUsage();
const seconds = () => {
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1e6;
};
let found = null;
let runs = Number(first);
const digests = [];
while (found === null && runs < Number(runsMax) && seconds() < Number(secondsMax)) {
  const { failure, digest } = await bench.run(runs++);
  if (mode === '--histories') digests.push(digest ?? failure?.message);
  else found = failure ?? null;
}
process.stdout.write(JSON.stringify({ runs, seconds: seconds(), failure: found, digests }));
