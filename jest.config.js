export default {
  roots: ['<rootDir>/test'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {'\\.ts$': '<rootDir>/test/support/strip-types.js'},
  testTimeout: 20_000,
  coverageProvider: 'v8',
}
