/**
 * Bad input of a trace, said once: FILE:LINE: what was found (value), allowed: what would do. The user's
 * fault, never a bug.
 */

const SHOWN_CHARS = 80;

export class TraceError extends Error {
  override readonly name = 'TraceError';
  readonly path: string;
  /** Line of the unpacked text, the first is 1; 0 when the file as a whole is at fault. */
  readonly line: number;

  constructor(path: string, line: number, found: string, allowed: string) {
    super(`${path}${line > 0 ? `:${line}` : ''}: ${found}, allowed: ${allowed}`);
    this.path = path;
    this.line = line;
  }
}

/** Makes the error for the line being read. */
export type Fault = (found: string, allowed: string) => TraceError;

/** A value as messages show it: in JSON's notation, cut where it is long; 'missing' for undefined. */
export function shown(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value);
  return text.length <= SHOWN_CHARS ? text : `${text.slice(0, SHOWN_CHARS)}…`;
}
