/** Wrong salvage: rows dropped unseen, budgets that end nothing, reasons lost; policy and dataset core together. */
import { Rounds } from '../../policies/salvage/rounds.ts';
import { DatasetCore } from '../../src/dataset/dataset-core.ts';
import { planted } from '../harness/gateway-planted.ts';
import { type SalvageMakers, salvageProperty } from '../harness/policies/salvage-property.ts';
import { type Family, family } from './family.ts';

const real: SalvageMakers = { salvage: (config) => new Rounds(config), core: DatasetCore };

/** Takes its budget for none. */
class EndlessRounds extends Rounds {
  override readonly preserveStarts = Infinity;
}

function wrongCore(file: string, from: string, to: string): typeof DatasetCore {
  const edit = { file: `src/dataset/${file}`, from, to };
  return planted('src/dataset/dataset-core.ts', [edit])['DatasetCore'] as typeof DatasetCore;
}

const salvage = family('salvage', salvageProperty, real, [
  {
    name: 'a row is dropped for waiting in our own queue (DataDesigner 725)',
    make: { ...real, salvage: (config) => new Rounds({ ...config, preserve: ['rate-limited'] }) },
    ...{ runs: 20, commands: 4 },
  },
  {
    name: 'a wait in our own queue reads as a slow model (DataDesigner 725)',
    make: { ...real, salvage: (config) => new Rounds({ ...config, queueTimeout: 'provider-timeout' }) },
    ...{ runs: 20, commands: 4 },
  },
  {
    name: 'a task is kept beyond its budget, for ever',
    make: { ...real, salvage: (config) => new EndlessRounds(config) },
    ...{ runs: 20, commands: 1 },
  },
  {
    name: 'a cycle has no last round',
    make: { ...real, salvage: (config) => new Rounds({ ...config, roundsMax: 1e9 }) },
    ...{ runs: 20, commands: 1 },
  },
  {
    name: 'only the last reason of a row is told',
    make: { ...real, core: wrongCore('task-cell.ts', 'this.failures.push({', 'this.failures.splice(0, 9, {') },
    ...{ runs: 100, commands: 4 },
  },
]);

export const salvageFamilies: readonly Family[] = [salvage];
