/** A drawn scenario as the file that `spillway run` takes: prose first, a block a line, nothing to skip. */
import { Document, isCollection, isMap, isPair, isSeq } from 'yaml';
import type { ScenarioDocument } from './scenario-arbitrary.ts';

const COLUMNS = 160;
/** Blocks whose members have a line each. */
const TALL: ReadonlySet<string> = new Set(['fleet', 'faults', 'policies']);
const ORDER = ['name', 'why', 'source', 'seed', 'fleet', 'workload', 'policies', 'faults'];

/** What stands in place of the prose of a drawn scenario. */
export interface ScenarioProse {
  readonly name: string;
  readonly why: string;
  readonly source: string;
  /** Comments at the top, a line each. */
  readonly comments: readonly string[];
}

/** The text of the scenario file. */
export function scenarioText(document: ScenarioDocument, { comments, ...prose }: ScenarioProse): string {
  return `${comments.map((line) => `# ${line}\n`).join('')}${blocksText({ ...document, ...prose })}`;
}

/** The blocks of the scenario that make its world, without prose. */
export function worldText(document: ScenarioDocument): string {
  const { name: _, why: __, source: ___, invariants: ____, ...world } = document;
  return blocksText(world);
}

function blocksText(blocks: Readonly<Record<string, unknown>>): string {
  const known = ORDER.filter((key) => Object.hasOwn(blocks, key));
  const keys = [...known, ...Object.keys(blocks).filter((key) => !known.includes(key))];
  const yaml = new Document(Object.fromEntries(keys.map((key) => [key, blocks[key]])));
  if (isMap(yaml.contents)) {
    for (const pair of yaml.contents.items) {
      if (!isPair(pair) || !isCollection(pair.value)) continue;
      const block = pair.value;
      if (!TALL.has(String(pair.key))) block.flow = true;
      else if (isSeq(block)) for (const item of block.items) if (isCollection(item)) item.flow = true;
      if (TALL.has(String(pair.key)) && isMap(block)) {
        for (const { value } of block.items) if (isCollection(value)) value.flow = true;
      }
    }
  }
  return yaml.toString({ lineWidth: COLUMNS, flowCollectionPadding: false });
}
