/**
 * What ends a batch that is the user's to mend: a line of the input, a file that is not ours, a full disk. `message`
 * is complete: where, what, and what is allowed.
 */
export class BatchError extends Error {
  override readonly name = 'BatchError';
}

/** A system error as one clause. */
export function diskReason(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC') return 'no space left on the disk (ENOSPC)';
  if (code === 'EDQUOT') return 'the quota of the disk is used up (EDQUOT)';
  if (code === 'ENOENT') return 'no such file or folder';
  if (code === 'EISDIR') return 'it is a folder';
  return code ?? String(error);
}
