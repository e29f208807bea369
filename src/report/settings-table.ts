/** The policies of each run, setting by setting, in HTML; those that differ between runs stand first and are marked. */
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
  const ordered = [...rows.filter(({ differs }) => differs), ...rows.filter(({ differs }) => !differs)];
  const heads = runs.map((run) => `<th scope="col">${text(run.variant)}</th>`);
  const head = `<tr><th scope="col">setting</th>${heads.join('')}</tr>`;
  const body = ordered.map(({ path, values, differs }) => {
    const cells = values.map((value) => `<td${differs ? ' class="differs"' : ''}>${text(value)}</td>`);
    return `<tr><th scope="row">${text(path)}</th>${cells.join('')}</tr>`;
  });
  return `<div class="scroll" tabindex="0"><table>${head}${body.join('')}</table></div>`;
}

function flattened(policies: object): Map<string, string> {
  const values = new Map<string, string>();
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) values.set(path, String(value));
    else if (Array.isArray(value) && value.length === 0) values.set(path, 'none');
    else for (const [name, each] of Object.entries(value)) visit(each, path === '' ? name : `${path}.${name}`);
  };
  visit(plainObject(policies), '');
  return values;
}
