export default {
  roots: ['<rootDir>/test'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {'\\.ts$': '<rootDir>/test/support/strip-types.js'},
  reporters: ['default', '<rootDir>/test/support/totals-reporter.js'],
  testTimeout: 20_000,
  coverageProvider: 'v8',
}
