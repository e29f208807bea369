/**
 * Mutation testing of the policies (`npm run mutation`, not in CI: it takes hours). Every file under policies/ is
 * mutated except the ports, which are types and run nothing; what is left out inside the files is text for people, by
 * test/mutation/ignored-texts.js. The tests are those of test/policies, without the recordings that test/conformance
 * compares with, so that the figure is the same for everyone who clones the repository. One folder:
 *
 *     npm run mutation -- --mutate 'policies/retry/**'
 *
 * Properties run 150 times here unless SPILLWAY_RUNS says otherwise, not the thousands of CI: one that needs more to
 * see a mutant counts as blind to it. The copy that is mutated and the report in JSON lie
 * in the system's folder for temporary files.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';

process.env['SPILLWAY_RUNS'] ??= '150';

export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner', './test/mutation/ignored-texts.js'],
  vitest: { configFile: 'test/mutation/vitest.config.js' },
  mutate: ['policies/**/*.ts', '!policies/**/types.ts', '!policies/entry.ts'],
  ignorers: ['texts'],
  ignorePatterns: ['/dist', '/reports', '/scenarios', '/src/cli', '/src/live'],
  incremental: false,
  concurrency: 2,
  timeoutMS: 20_000,
  reporters: ['clear-text', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: join(tmpdir(), 'spillway-mutation.json') },
  tempDirName: join(tmpdir(), 'spillway-mutation'),
  checkers: [],
  thresholds: { high: 95, low: 85, break: 85 },
};
