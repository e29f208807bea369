/**
 * The policies of each run, setting by setting, in HTML: those that differ between runs, marked; the rest folded away.
 * Values are those the policies are built with, durations in microseconds.
 */
import { plainObject } from '../results/plain-json.ts';
import type { RunResult } from '../results/result.ts';
import { text } from './html-text.ts';

export function differingSettings(runs: readonly RunResult[]): string {
  const settings = runs.map((run) => flattened(run.policies));
  const paths = [...new Set(settings.flatMap((each) => [...each.keys()]))];
  const rows = paths.map((path) => {
    const values = settings.map((each) => each.get(path) ?? '–');
    return { path, values, differs: new Set(values).size > 1 };
  });
  const heads = runs.map((run) => `<th scope="col">${text(run.variant)}</th>`);
  const head = `<tr><th scope="col">setting</th>${heads.join('')}</tr>`;
  const table = (shown: typeof rows): string => {
    const body = shown.map(({ path, values, differs }) => {
      const cells = values.map((value) => `<td${differs ? ' class="differs"' : ''}>${text(value)}</td>`);
      return `<tr><th scope="row">${text(path)}</th>${cells.join('')}</tr>`;
    });
    return `<div class="scroll" tabindex="0"><table>${head}${body.join('')}</table></div>`;
  };
  const apart = rows.filter(({ differs }) => differs);
  const alike = rows.filter(({ differs }) => !differs);
  const whose = runs.length > 1 ? 'that all have alike' : 'of the run';
  const summary = `<summary>${alike.length} settings ${whose}</summary>`;
  const note = '<p>Durations in microseconds.</p>';
  const folded = alike.length === 0 ? '' : `<details>${summary}${table(alike)}</details>`;
  return `${note}${apart.length === 0 ? '' : table(apart)}${folded}`;
}

function flattened(policies: object): Map<string, string> {
  const values = new Map<string, string>();
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) values.set(path, settingText(value));
    else if (Array.isArray(value) && value.length === 0) values.set(path, 'none');
    else for (const [name, each] of Object.entries(value)) visit(each, path === '' ? name : `${path}.${name}`);
  };
  visit(plainObject(policies), '');
  return values;
}

/** What is not bounded is null in a result. */
function settingText(value: unknown): string {
  if (value === null) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
