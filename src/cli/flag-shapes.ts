/** Shapes of flags that several commands share, for yargs. */
export const VALUE = { type: 'string', requiresArg: true } as const;
export const SWITCH = { type: 'boolean' } as const;
export const POLICIES = {
  ...VALUE,
  describe: 'Module (.mjs, .js) that exports policies: PolicyEntry[]; their names join those of the shipped ones',
};
export const INVARIANTS = {
  ...VALUE,
  describe: 'Module (.mjs, .js) that exports invariants: Invariant[], promises that every run must keep',
};
