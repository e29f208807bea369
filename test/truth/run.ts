/**
 * `npm run truth`: every error of the shipped presets and of what is predicted with them, against the measured engines
 * in SPILLWAY_DATA (default ../shared/data). A minute or two.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { shippedPresets } from '../../src/lab/preset.ts';
import { presetsTable, routingTable, runsTable, splitwiseTable, sweepTable } from '../../src/report/truth-tables.ts';
import { measuredRunsTruth } from '../../src/truth/measured-runs.ts';
import { fitRateSweeps, kneeOf } from '../../src/truth/rate-sweeps.ts';
import { fitRouting, predictRouting } from '../../src/truth/routing.ts';
import { splitwiseTruth } from '../../src/truth/splitwise-presets.ts';

const folder = resolve(import.meta.dirname, '../..', process.env['SPILLWAY_DATA'] ?? '../shared/data', 'engine');

if (!existsSync(folder)) {
  console.error(`no ${folder}: set SPILLWAY_DATA to the folder of measured engines`);
  process.exitCode = 2;
} else {
  console.log(`${runsTable(measuredRunsTruth(folder))}\n`);
  console.log(`${presetsTable(shippedPresets())}\n`);
  console.log(`${splitwiseTable(splitwiseTruth(folder))}\n`);
  console.log(`${sweepTable(fitRateSweeps(join(folder, 'e2e_vllm_h200_do', 'rate_sweeps.csv')), kneeOf)}\n`);
  const routing = join(folder, 'routing_llmd', 'per_qps.csv');
  console.log(routingTable(await predictRouting(routing, fitRouting(routing).timing)));
}
