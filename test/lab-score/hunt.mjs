/** Draws and runs until something is found, in a copy of the compiled sources with a bug in them; tells how long that took. */
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const [dist, policies, seed, first, runsMax, secondsMax] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(join(dist, 'src/lab/fuzz', path)).href);
const [{ FuzzBench }, { WHOLE_SPACE }] = [await load('bench.js'), await load('space.js')];
const space = { ...WHOLE_SPACE, policies: JSON.parse(policies) };
const bench = await FuzzBench.make({ space, seed: Number(seed), policyFile: undefined, invariantFile: undefined });
const begin = process.cpuUsage();
const seconds = () => {
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1e6;
};
let found = null;
let runs = Number(first);
while (found === null && runs < Number(runsMax) && seconds() < Number(secondsMax)) {
  found = (await bench.run(runs++)).failure ?? null;
}
process.stdout.write(JSON.stringify({ runs, seconds: seconds(), failure: found }));
