export default {
  roots: ['<rootDir>/test'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {'\\.ts$': '<rootDir>/test/support/strip-types.js'},
  setupFilesAfterEnv: ['<rootDir>/test/support/patterns-in-objects.js'],
  reporters: ['default', '<rootDir>/test/support/totals-reporter.js'],
  // Much of the suite waits for processes: one core for the runner itself would stand idle.
  maxWorkers: '100%',
  testTimeout: 20_000,
  coverageProvider: 'v8',
}
