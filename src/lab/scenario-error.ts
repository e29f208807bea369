/**
 * What the user is told when a scenario, an override or a variant is wrong: one line an issue, each with the
 * place, the path, the value and what is allowed. Anything thrown otherwise is a bug of ours.
 */

/** Issues told at once; a wrong shape tends to cause a crowd of them. */
const ISSUES_SHOWN = 5;

/** Bad input, the user's to mend. `message` is complete: the CLI prints it alone and exits with 2. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';

  /** `lines`: one complete issue each, most important first. */
  constructor(lines: readonly string[]) {
    const shown = lines.slice(0, ISSUES_SHOWN);
    const rest = lines.length - shown.length;
    super([...shown, ...(rest > 0 ? [`and ${rest} more like these`] : [])].join('\n'));
  }
}

/** A value as it is quoted in a message: JSON, cut to a line's length. */
export function shownValue(value: unknown): string {
  const text = typeof value === 'number' && !Number.isFinite(value) ? String(value) : JSON.stringify(value);
  if (text === undefined) return String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** One clause on why a file cannot be read. */
export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  return code ?? String(error);
}
