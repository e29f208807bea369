/** Small datasets for worlds in tests: one endpoint, everything free unless asked for. */
import { DATASET_SETTINGS } from '../../src/dataset/settings.ts';
import type { Distribution } from '../../src/kernel/distribution.ts';
import type { DatasetConfig, HostCosts } from '../../src/sim/config.ts';
import { FREE_HOST } from './world-builder.ts';

export interface DatasetShape {
  readonly rows?: number;
  /** Rows of a group. */
  readonly rowGroup?: number;
  readonly rowGroupsMax?: number;
  readonly columns?: readonly (string | { readonly name: string; readonly needs: readonly string[] })[];
  /** Calls at once. */
  readonly cap?: number;
  readonly host?: HostCosts;
  readonly promptTokens?: Distribution;
  readonly outputTokens?: Distribution;
}

export function datasetOf(shape: DatasetShape = {}): DatasetConfig {
  const { rows = 20, rowGroup = 1000, rowGroupsMax = 3, columns = ['text'], cap = 4, host = FREE_HOST } = shape;
  const { promptTokens = { dist: 'constant', value: 10 }, outputTokens = { dist: 'constant', value: 5 } } = shape;
  const plans = columns.map((column) => (typeof column === 'string' ? { name: column, needs: [] } : column));
  const groups = Math.ceil(rows / rowGroup);
  return {
    plan: {
      columns: plans.map(({ name, needs }) => {
        const generator = { kind: 'model', identity: ['p', 'm', 'chat'], weight: cap, columns: [name] } as const;
        return { name, dependsOn: needs, generator, extent: 'cells', prepares: false };
      }),
      rowGroups: Array.from({ length: groups }, (_, id) => ({ id, rows: Math.min(rowGroup, rows - id * rowGroup) })),
      endpoints: [{ provider: 'p', model: 'm', alias: 'a', limit: cap }],
    },
    settings: { ...DATASET_SETTINGS.spillway, rowGroupsMax },
    host,
    lengths: plans.map(() => ({ promptTokens, outputTokens })),
  };
}
