/**
 * The `windows:` block: stretches of the run that results are told apart by, before a fault, during, after, and
 * tenants. What a window counts are the requests sent in it, whenever they end.
 */
import { z } from 'zod';
import { duration } from '../../policies/config.ts';

const WINDOWS_MAX = 100;

const windowName = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, {
  error: 'up to 40 lower-case letters, digits and -, beginning with a letter',
});

const span = z
  .tuple([duration(), duration('1us')])
  .transform(([from, to]) => ({ from, to, tenant: undefined }))
  .describe('From when to when, the end excluded; from the start of the run.');

const mapping = z.strictObject({
  from: duration().prefault('0s').describe('From when, from the start of the run. Default 0s.'),
  to: duration('1us').describe('To when, excluded.'),
  tenant: z.string().min(1).optional().describe('Only this tenant’s requests. Default: everybody’s.'),
});

const window = z
  .union([span, mapping], { error: "two durations, such as ['20s', '50s'], or a mapping of from, to and tenant" })
  .superRefine(({ from, to }, context) => {
    if (from < to) return;
    context.addIssue({ code: 'custom', message: 'an end after its beginning' });
  });

export const windowsSchema = z
  .record(windowName, window)
  .default({})
  .describe('Name → stretch of the run; results have windows.NAME of the requests sent in it. Default none.');
type ParsedWindows = z.output<typeof windowsSchema>;

/** Adds an issue for each path that names a window which is not there, and for too many of them. */
export function checkWindows(
  scenario: {
    readonly windows: ParsedWindows;
    readonly expect: readonly { readonly path: string }[];
    readonly symptoms: readonly { readonly path: string }[];
  },
  context: z.RefinementCtx,
): void {
  const names = Object.keys(scenario.windows);
  const add = (path: (string | number)[], message: string): void => {
    context.addIssue({ code: 'custom', path, message });
  };
  if (names.length > WINDOWS_MAX) add(['windows'], `at most ${WINDOWS_MAX} windows`);
  for (const block of ['expect', 'symptoms'] as const) {
    scenario[block].forEach(({ path }, index) => {
      const [, name] = /^windows\.([^.]+)/.exec(path) ?? [];
      if (name === undefined || names.includes(name)) return;
      add([block, index, 'path'], `a window of the scenario: ${names.join(', ') || 'it has none'}`);
    });
  }
}

/** For a run. */
export function windowConfigs(windows: ParsedWindows) {
  return Object.entries(windows).map(([name, window]) => ({ name, ...window }));
}
