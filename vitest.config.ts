/**
 * Tests measure no time: a timeout only ends a hang. Set SPILLWAY_TEST_JSON to a path to have the results written there
 * as JSON too (.ci/run counts from it).
 */
import { defineConfig } from 'vitest/config';

const json = process.env['SPILLWAY_TEST_JSON'];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    isolate: true,
    reporters: json === undefined ? ['default'] : ['default', 'json'],
    ...(json === undefined ? {} : { outputFile: { json } }),
    coverage: { include: ['src/**', 'policies/**'] },
  },
});
