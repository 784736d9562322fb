const common = {
  testEnvironment: 'node',
  // Resolve "#media" & co. to the TypeScript sources. Worker threads run the compiled files of dist/:
  // `npm test` builds first.
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  // tsconfig has isolatedModules, so ts-jest only transpiles; `npm run typecheck` checks types.
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: 'tsconfig.json' }] },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
};

module.exports = {
  projects: [
    { ...common, displayName: 'unit', testMatch: ['<rootDir>/test/unit/**/*.test.ts'] },
    {
      ...common,
      displayName: 'integration',
      testMatch: ['<rootDir>/test/integration/**/*.test.ts'],
    },
    { ...common, displayName: 'e2e', testMatch: ['<rootDir>/test/e2e/**/*.test.ts'] },
  ],
  testTimeout: 30_000,
  maxWorkers: 2,
  collectCoverageFrom: ['{src,sip,media,metadata,config}/**/*.ts'],
  coverageProvider: 'v8',
};
