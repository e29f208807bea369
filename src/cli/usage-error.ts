/** The command line asks for something that cannot be done. `message` is complete; exit code 2, no stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
