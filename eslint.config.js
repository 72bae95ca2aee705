import tseslint from 'typescript-eslint';

const contractMayImport = 'A browser imports the contract: itself and zod are all that it may need.';
const domainMayImport = 'The domain imports only itself, the event schemas and the shape of decisions.';

const testsShareTheKit = 'What tests of several folders need stands in test-kit.';
const mayNotImport = (files, folders) => ({
  files: [`${files}/**/*.ts`],
  rules: {
    'no-restricted-imports': ['error', { patterns: [{ regex: `^\\.\\./.*(${folders})/`, message: testsShareTheKit }] }],
  },
});

export default tseslint.config(
  { ignores: ['node_modules/', '.local/', '**/*.d.ts'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      eqeqeq: 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-console': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
  {
    files: ['services/*/src/domain/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^(?!\\./|@flash-sale/(contract/events/|shared/messaging/decision\\.ts$))',
              message: domainMayImport,
            },
          ],
        },
      ],
      'no-restricted-globals': ['error', 'process', 'fetch', 'setTimeout', 'setInterval'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now' },
        { object: 'Math', property: 'random' },
      ],
    },
  },
  {
    files: ['contract/src/**/*.ts'],
    ignores: ['**/*.test.ts', '**/testing/**'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ regex: '^(?!\\.|zod$)', message: contractMayImport }] }],
      'no-restricted-globals': ['error', 'process', 'Buffer', 'global', 'require', '__dirname'],
    },
  },
  {
    files: ['services/*/src/**/*.ts', 'shared/src/**/*.ts'],
    ignores: ['**/config.ts', '**/*.test.ts', '**/testing/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'config.ts is the only reader of process.env.' },
      ],
    },
  },
  mayNotImport('e2e', 'load-tests|behaviour'),
  mayNotImport('load-tests', 'e2e|behaviour'),
  mayNotImport('behaviour', 'e2e|load-tests'),
  mayNotImport('test-kit', 'e2e|load-tests|behaviour'),
  {
    files: ['infra/**/*', 'load-tests/**/*', '**/demo.ts'],
    rules: { 'no-console': 'off' },
  },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
);
