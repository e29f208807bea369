/**
 * `spillway policies`: by role, what each policy decides, its source, its settings with defaults; with `--policies`
 * those of the user's own file too.
 */
import { type ListedPolicy, policyListing } from '../lab/policy-listing.ts';
import { loadUserPolicies } from '../lab/user-policies.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

export async function policiesCommand(file: string | undefined, terminal: Terminal): Promise<ExitCode> {
  const own = file === undefined ? undefined : await loadUserPolicies(file);
  const policies = policyListing(own?.entries);
  const roles = [...new Set(policies.map(({ role }) => role))];
  const blocks = roles.map((role) => {
    const listed = policies.filter((policy) => policy.role === role).map(describe);
    return [role, ...listed].join('\n');
  });
  await terminal.print(`${blocks.join('\n\n')}\n`);
  return EXIT.ok;
}

function describe({ name, decides, source, settings, variants }: ListedPolicy): string {
  const lines = [`  ${name}`, `    decides  ${decides}`, `    source   ${source}`];
  for (const { name: setting, default: value, description } of settings) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    lines.push(`    ${setting} ${value === undefined ? 'required' : `= ${text}`}  ${description}`);
  }
  if (variants.length > 0) lines.push(`    variants ${variants.join(', ')}`);
  return lines.join('\n');
}
