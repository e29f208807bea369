/**
 * The tests that mutants of policies/ meet: those of policies, with the two tables of the busy gate that are written out,
 * nothing slow and nothing that needs recordings. Files share a worker, and so the modules they import, which is new for
 * every mutant.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/policies/**/*.test.ts', 'test/conformance/busy-tables.test.ts'],
    testTimeout: 60_000,
    isolate: false,
    reporters: [],
  },
});
