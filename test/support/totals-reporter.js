/** A Jest reporter that ends the output with `N passed, N failed`, a form that any CI can read. */
export default class TotalsReporter {
  onRunComplete(_contexts, {numPassedTests, numFailedTests, numRuntimeErrorTestSuites}) {
    const totals = `${numPassedTests} passed, ${numFailedTests + numRuntimeErrorTestSuites} failed\n`
    process.once('exit', () => process.stdout.write(totals))
  }
}
