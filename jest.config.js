/** Three projects, told apart by the suffix of the file; `npm test` (infra/test-run.ts) runs one after the other. */
const project = (displayName, testMatch, notThese = []) => ({
  displayName,
  testMatch,
  testPathIgnorePatterns: ['/node_modules/', '/\\.local/', ...notThese],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json', 'node'],
  transform: { '\\.ts$': '<rootDir>/infra/jest/strip-types.js' },
  modulePathIgnorePatterns: ['<rootDir>/.local/'],
  // Of each project, or none has it: else how long a file takes, by which the longest go first, is forgotten with every run.
  cacheDirectory: '<rootDir>/.local/cache/jest',
  injectGlobals: false,
});

export default {
  projects: [
    project('unit', ['**/*.test.ts'], ['\\.int\\.test\\.ts$', '\\.e2e\\.test\\.ts$']),
    project('int', ['**/*.int.test.ts']),
    project('e2e', ['**/*.e2e.test.ts']),
  ],
  watchman: false,
};
