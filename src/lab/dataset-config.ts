/** Translates a checked `workload: {kind: dataset}` into the plan of the dataset core and the lengths of its calls. */
import { DATASET_SETTINGS } from '../dataset/settings.ts';
import type { ColumnPlan, RowGroupPlan } from '../dataset/types.ts';
import type { DatasetConfig } from '../sim/config.ts';
import type { ParsedDataset } from './dataset-schema.ts';
import { hostCosts } from './host-schema.ts';
import type { ParsedWorkload } from './workload-schema.ts';

/** Provider of all endpoints: the gateway. */
const PROVIDER = 'gateway';

/** Undefined when the workload is no dataset. */
export function datasetConfig(workload: ParsedWorkload): DatasetConfig | undefined {
  if (workload.kind !== 'dataset') return undefined;
  const { columns, endpoints, rowGroupsMax, shutdown, host, prompt, output } = workload;
  return {
    plan: {
      columns: columns.map((column) => columnPlan(column, endpoints)),
      rowGroups: rowGroups(workload),
      endpoints: endpoints.map(({ name, cap }) => ({ provider: PROVIDER, model: name, alias: name, limit: cap })),
    },
    settings: { ...DATASET_SETTINGS.spillway, rowGroupsMax, shutdown },
    host: hostCosts(host),
    lengths: columns.map((column) => ({
      promptTokens: column.prompt ?? prompt,
      outputTokens: column.output ?? output,
    })),
  };
}

function columnPlan(column: ParsedDataset['columns'][number], endpoints: ParsedDataset['endpoints']): ColumnPlan {
  const { name, needs, extent } = column;
  const [first] = endpoints;
  const endpoint = endpoints.find((each) => each.name === column.endpoint) ?? first;
  if (endpoint === undefined) throw new Error('a dataset has an endpoint');
  const identity = [PROVIDER, endpoint.name, 'chat'];
  const generator = { kind: 'model', identity, weight: endpoint.cap, columns: [name] } as const;
  return { name, dependsOn: needs, generator, extent, prepares: false };
}

/** The last one may be short. */
function rowGroups({ rows, rowGroup }: ParsedDataset): RowGroupPlan[] {
  const count = Math.ceil(rows / rowGroup);
  return Array.from({ length: count }, (_, id) => ({ id, rows: Math.min(rowGroup, rows - id * rowGroup) }));
}
