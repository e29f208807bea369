/** The tests that mutants of policies/ meet: those of policies, nothing slow and nothing that needs recordings. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/policies/**/*.test.ts'],
    testTimeout: 60_000,
    isolate: true,
    reporters: [],
  },
});
