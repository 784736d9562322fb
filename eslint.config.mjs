import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';
import jestPlugin from 'eslint-plugin-jest';
import prettier from 'eslint-config-prettier';
import { defineConfig } from 'eslint/config';

// Who may import whom (docs/adr/0002). The four libraries are siblings and never see one another.
// `files` are the sources of a layer, `may` the aliases that they may import.
const LAYERS = {
  core: { files: ['src/core/**/*.ts'], may: [] },
  policy: { files: ['src/policy/**/*.ts'], may: ['core'] },
  config: { files: ['config/**/*.ts'], may: ['core'] },
  metadata: { files: ['metadata/**/*.ts'], may: ['core'] },
  media: { files: ['media/**/*.ts'], may: ['core'] },
  sip: { files: ['sip/**/*.ts'], may: ['core'] },
  ledger: { files: ['src/ledger/**/*.ts'], may: ['core'] },
  observability: { files: ['src/observability/**/*.ts'], may: ['core'] },
};
const ROOTS = ['config', 'metadata', 'media', 'sip', 'src'];

// Folders inside src/ that a layer of src/ must not reach into by a relative path.
const SRC_FORBIDDEN = {
  core: '(policy|session|ledger|admin|observability|lab)',
  policy: '(session|ledger|admin|observability|lab)',
  ledger: '(policy|session|admin|observability|lab)',
  observability: '(policy|session|ledger|admin|lab)',
};

const layers = Object.entries(LAYERS).map(([name, { files, may }]) => ({
  files,
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^#(?!(${may.length ? may.join('|') : '-'})$)`,
            message: `${name} may import only: ${may.join(', ') || 'nothing'} (docs/adr/0002).`,
          },
          {
            regex: `^(\\.\\./)+(${ROOTS.join('|')})(/|$)`,
            message: 'cross-folder imports use the folder alias (docs/adr/0002).',
          },
          ...(SRC_FORBIDDEN[name]
            ? [
                {
                  regex: `^(\\.\\./)+${SRC_FORBIDDEN[name]}(/|$)`,
                  message: `${name} stands below that folder (docs/adr/0002).`,
                },
              ]
            : []),
        ],
      },
    ],
  },
}));

// The SIP application speaks drachtio-srf only and never knows which engine is below it.
const engineIsUnknown = {
  files: ['sip/**/*.ts', 'src/session/**/*.ts'],
  ignores: ['sip/engine/**/*.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          { regex: '(^|/)engine(/|$)', message: 'No application code knows the SIP engine.' },
          {
            regex: '^#(config|media|metadata)$',
            message: 'Siblings never import one another (docs/adr/0002).',
          },
        ],
      },
    ],
  },
};
const session = {
  files: ['src/session/**/*.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: [{ regex: '^#sip/engine$', message: 'No application code knows the engine.' }] },
    ],
  },
};

export default defineConfig(
  { ignores: ['dist', 'coverage', 'evidence', '**/*.cjs', '**/*.mjs'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      curly: ['error', 'all'],
      eqeqeq: 'error',
      'no-console': 'error',
      'max-lines': ['error', { max: 600, skipBlankLines: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/explicit-function-return-type': ['error', { allowExpressions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    // The live page: what browsers provide.
    files: ['src/admin/public/**/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'AbortController',
          'TextDecoder',
          'URLSearchParams',
          'clearInterval',
          'clearTimeout',
          'document',
          'fetch',
          'sessionStorage',
          'setInterval',
          'setTimeout',
        ].map(name => [name, 'readonly']),
      ),
    },
  },
  ...layers,
  engineIsUnknown,
  session,
  {
    files: ['test/**/*.ts'],
    rules: { 'max-lines': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['test/**/*.test.ts'],
    extends: [jestPlugin.configs['flat/recommended']],
    rules: {
      'jest/no-standalone-expect': [
        'error',
        {
          additionalTestBlockFunctions: [
            'beforeAll',
            'afterAll',
            'afterEach',
            'itOnEmbedded',
            'itOnEmbedded.each',
          ],
        },
      ],
      'jest/expect-expect': [
        'error',
        { assertFunctionNames: ['expect*', '**.expect*', 'fc.assert', 'waitUntil'] },
      ],
    },
  },
  prettier,
);
