// What the compiler cannot see: lost promises, imports that point the wrong way, cycles, size.
import importX from 'eslint-plugin-import-x';
import type { Linter } from 'eslint';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

import { noImportCycle } from './scripts/lint/no-import-cycle.ts';

const RECIPE_BODIES =
  'recipes/(lane-stages|bodies|lane-thread|lane-entry|[^/]+/(body|graphs|drawing))';

/**
 * The rooms, in the direction of imports: common <- workers <- recipes <- coordinator <- cli. For each, what it may not import: regular
 * expressions over paths from the root. What a recipe plans is read by the coordinator, and what it draws runs in workers: these two
 * never meet.
 */
const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  common: ['workers/', 'recipes/', 'coordinator/', 'cli/'],
  workers: ['recipes/', 'coordinator/', 'cli/'],
  recipes: ['coordinator/', 'cli/'],
  coordinator: ['workers/', 'cli/', RECIPE_BODIES],
};

/** Inside the two large rooms: for each room, the neighbours that are built on it. */
const BUILT_ON: Readonly<Record<string, readonly string[]>> = {
  'coordinator/scaling': [
    'run',
    'jobs',
    'dispatch',
    'rpc',
    'simulation',
    'kubernetes',
    'coordinator.ts',
  ],
  'coordinator/domain': [
    'run',
    'jobs',
    'dispatch',
    'rpc',
    'simulation',
    'coordinator.ts',
    'kubernetes',
  ],
  'coordinator/run': ['jobs', 'dispatch', 'rpc', 'simulation', 'coordinator.ts', 'kubernetes'],
  'coordinator/jobs': ['dispatch', 'rpc', 'simulation', 'coordinator.ts', 'kubernetes'],
  'coordinator/dispatch': ['rpc', 'simulation', 'coordinator.ts', 'kubernetes'],
  'coordinator/rpc': ['simulation', 'kubernetes'],
  'coordinator/kubernetes': ['rpc', 'simulation'],
  'cli/output': [
    ...['report/', 'flags', 'request', 'local', 'compare/', 'farm/'],
    ...['programs', 'commands', 'reference'],
  ],
  'cli/report': [
    ...['flags', 'request', 'local', 'compare/', 'farm/'],
    ...['programs', 'commands', 'reference'],
  ],
  'cli/flags': ['request', 'local', 'compare/', 'farm/', 'programs', 'commands', 'reference'],
  'cli/request': ['local', 'compare/', 'farm/', 'programs', 'commands', 'reference'],
  'cli/foreign': ['local', 'compare/', 'farm/', 'programs', 'commands', 'reference'],
  'cli/local': ['compare/', 'farm/', 'programs', 'commands', 'reference'],
  'cli/compare': ['farm/', 'programs', 'commands', 'reference'],
  'cli/farm': ['programs', 'commands', 'reference'],
  'cli/programs': ['local', 'commands', 'reference'],
};

/** How failures are told. */
const FAILURES = [
  { selector: 'NewExpression[callee.name="Error"]', message: 'Throw BivdiffError, or assert.' },
  ...['Literal[value=', 'TemplateLiteral > TemplateElement:first-child[value.raw='].map((text) => ({
    selector: `Property[key.name="hint"] > ${text}/^(?!bivdiff )[a-z]/]`,
    message: 'A hint begins with a capital, or with a command to type.',
  })),
];

const restrict = (folder: string, patterns: readonly string[]): Linter.Config => ({
  files: [`${folder}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: patterns.map((regex) => ({
          regex,
          message: `${folder}/ does not import this (ARCHITECTURE.md, import direction).`,
        })),
      },
    ],
  },
});

const outside = (room: string): string[] =>
  (FORBIDDEN[room] ?? []).map((other) => `^(\\.\\./)+${other}`);

/** The narrower rule comes last: it replaces the wider one, and so repeats it. */
const direction: Linter.Config[] = [
  ...Object.keys(FORBIDDEN).map((room) => restrict(room, outside(room))),
  ...Object.entries(BUILT_ON).map(([folder, neighbours]) =>
    restrict(folder, [
      ...outside(folder.split('/')[0]!),
      ...neighbours.map((other) => `^(\\.\\./)+${other}`),
    ]),
  ),
  restrict('common/diffusion', [
    ...outside('common'),
    '^(\\.\\./)+(bus|gen|models|rpc|store|source|placement)',
  ]),
];

/** Pure folders: no files, clocks, threads or network of their own. */
const pure: Linter.Config = {
  files: [
    'coordinator/domain/**/*.ts',
    'coordinator/scaling/**/*.ts',
    'common/diffusion/**/*.ts',
    'recipes/{pipeline,spec}/**/*.ts',
    'recipes/*/{spec,plan}.ts',
    'workers/tensor/**/*.ts',
    'workers/vision/**/*.ts',
  ],
  rules: {
    'no-restricted-globals': [
      'error',
      'setTimeout',
      'setInterval',
      'fetch',
      'performance',
      'process',
    ],
    'no-restricted-properties': [
      'error',
      { object: 'Date', property: 'now', message: 'Time comes in as an argument.' },
      { object: 'Math', property: 'random', message: 'Noise comes from tensor/frame-noise.ts.' },
    ],
    'no-restricted-syntax': [
      'error',
      {
        selector:
          'ImportDeclaration[source.value=/^(node:(fs|net|http|worker_threads|child_process)|onnxruntime-node|sharp)/]',
        message: 'This folder is pure.',
      },
      ...FAILURES,
    ],
  },
};

const UNSAFE = ['argument', 'assignment', 'call', 'member-access', 'return'];

export default defineConfig(
  { ignores: ['node_modules', '.tools', 'out', 'dist', 'common/gen', 'models'] },
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { 'import-x': importX, bivdiff: { rules: { 'no-import-cycle': noImportCycle } } },
    settings: {
      'import-x/resolver-next': [importX.createNodeResolver({ extensions: ['.ts', '.js'] })],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/extensions': ['.ts'],
    },
    rules: {
      // The first also follows import(), the second also imports of types.
      'import-x/no-cycle': 'error',
      'bivdiff/no-import-cycle': 'error',
      'import-x/no-default-export': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Brackets show that a key comes from an index signature and may be absent.
      '@typescript-eslint/dot-notation': ['error', { allowIndexSignaturePropertyAccess: true }],
      '@typescript-eslint/consistent-indexed-object-style': 'off',
      // A method that an interface asks for may have nothing to do, or nothing to wait for.
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/require-await': 'off',
      // Checked indexing makes x[i]! the honest way to say "in range by construction" in numeric code.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      'max-lines': ['error', { max: 400, skipBlankLines: true }],
      'max-lines-per-function': ['error', { max: 90, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 4],
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...FAILURES],
    },
  },
  ...direction,
  pure,
  {
    files: ['**/*.config.ts'],
    rules: { 'import-x/no-default-export': 'off' },
  },
  {
    files: ['scripts/**/*.ts', 'bench/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    // The Kubernetes client has classes for what travels as JSON, and takes any object of that shape.
    files: ['coordinator/kubernetes/**/*.ts', 'test/{k8s,support/kubernetes}/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      'no-restricted-syntax': 'off',
      // Conformance suites take an adapter's methods apart on purpose: they hand in bound ones.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // What a chart renders to may be any YAML: what tests say of it is the check.
    files: [
      'test/chart/**/*.ts',
      'test/k8s/chart-*.test.ts',
      'test/support/kubernetes/chart/**/*.ts',
    ],
    rules: {
      ...Object.fromEntries(
        ['no-explicit-any', ...UNSAFE.map((what) => `no-unsafe-${what}`)].map((rule) => [
          `@typescript-eslint/${rule}`,
          'off' as const,
        ]),
      ),
    },
  },
);
