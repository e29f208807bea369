/**
 * Lint with types. What keeps a run reproducible (no clock, timer, unseeded draw or locale outside the real host) is
 * refused here while one types, and once more in test/tidy.test.ts, which no comment can switch off.
 */
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const clock = 'a run has no clock but `now`; real time is read in src/live and src/cli only';
const timer = 'a run has no timer; answer `nextWakeAt` instead';
const draw = 'a run draws from its own seeded streams only (kernel/rng.ts)';
const locale = 'results must not depend on the locale of the machine';
const promise = 'this room is synchronous: methods in, records out';

const restrictedGlobals = [
  { name: 'performance', message: clock },
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'].map((name) => ({ name, message: timer })),
  { name: 'crypto', message: draw },
  { name: 'Intl', message: locale },
];
const restrictedProperties = [
  { object: 'Date', property: 'now', message: clock },
  ...['hrtime', 'uptime', 'cpuUsage', 'resourceUsage'].map((property) => ({
    object: 'process',
    property,
    message: clock,
  })),
  { object: 'process', property: 'nextTick', message: timer },
  { object: 'Math', property: 'random', message: draw },
  ...['', 'Date', 'Time', 'LowerCase', 'UpperCase'].map((what) => ({
    property: `toLocale${what.endsWith('Case') ? what : `${what}String`}`,
    message: locale,
  })),
  { property: 'localeCompare', message: locale },
];
const restrictedImports = [
  { name: 'node:perf_hooks', message: clock },
  { name: 'node:timers', message: timer },
  { name: 'node:timers/promises', message: timer },
  {
    name: 'node:crypto',
    importNames: [
      ...['randomBytes', 'randomInt', 'randomUUID', 'randomFill', 'randomFillSync', 'getRandomValues', 'webcrypto'],
    ],
    message: draw,
  },
];
const noDate = [
  { selector: 'NewExpression[callee.name="Date"]', message: clock },
  { selector: 'CallExpression[callee.name="Date"]', message: clock },
  { selector: 'CallExpression[callee.property.name=/^random(Bytes|Int|UUID|Fill|FillSync)$/]', message: draw },
];
const noPromise = [
  { selector: ':function[async=true]', message: promise },
  { selector: 'AwaitExpression', message: promise },
  { selector: 'ForOfStatement[await=true]', message: promise },
  { selector: 'ImportExpression', message: promise },
  { selector: 'Identifier[name=/^Promise(Like)?$/]', message: promise },
];
const noDefaultExport = [
  { selector: 'ExportDefaultDeclaration', message: 'name what you export' },
  { selector: 'ExportSpecifier[exported.name="default"]', message: 'name what you export' },
];

export default defineConfig(
  // The page's own code has a project of its own (tsconfig.browser.json); tsc holds it to the same strictness.
  globalIgnores(['dist/', 'coverage/', 'reports/', 'src/report/browser/']),
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNever: true },
      ],
      // What answers a promise is async even when it need not wait: benches, commands.
      '@typescript-eslint/require-await': 'off',
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-restricted-globals': ['error', ...restrictedGlobals],
      'no-restricted-properties': ['error', ...restrictedProperties],
      'no-restricted-imports': ['error', { paths: restrictedImports }],
      'no-restricted-syntax': ['error', ...noDefaultExport, ...noDate],
    },
  },
  {
    files: ['policies/**/*.ts', 'src/{kernel,gateway,dataset,worker,sim}/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...noDefaultExport, ...noDate, ...noPromise] },
  },
  {
    files: ['src/{live,cli}/**/*.ts', 'test/{live,cli,bench}/**/*.ts'],
    rules: {
      'no-restricted-globals': 'off',
      'no-restricted-properties': 'off',
      'no-restricted-imports': 'off',
      'no-restricted-syntax': ['error', ...noDefaultExport],
    },
  },
  // The tool insists on a default export.
  { files: ['*.config.ts'], rules: { 'no-restricted-syntax': 'off' } },
);
