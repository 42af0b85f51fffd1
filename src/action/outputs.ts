import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {setOutput, summary} from '@actions/core'
import {storageError} from '../errors.ts'
import {redact, redactValues} from '../secrets.ts'
import {annotate} from './log.ts'
import type {Performance} from './performance.ts'
import {type Runner, slug} from './runner.ts'

/** All outputs of a job together may have 1 MB, counted as UTF-16. */
const LONGEST = 200_000

/** Hands the outputs over, and the whole result as a file for whoever needs more. */
export function writeOutputs(
  {step, temp}: Runner,
  {status, exitCode, outputs, report}: Performance,
  more: Readonly<Record<string, string>>,
): void {
  const all = {status, 'exit-code': String(exitCode), ...outputs, ...more, report: writeReport(temp, step, report)}
  setOutputs(all)
}

export function setOutputs(outputs: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(outputs)) setOutput(name, value.length > LONGEST ? '' : redact(value))
}

/** Returns where the report is; nothing where it could not be written. */
function writeReport(temp: string, step: string, report: object): string {
  const file = join(temp, `ag-report-${slug(step)}.json`)
  try {
    writeFileSync(file, `${JSON.stringify(redactValues(report), null, 2)}\n`)
    return file
  } catch (error) {
    annotate('warning', storageError(file, error).message, 'ag: report')
    return ''
  }
}

/** Adds to the summary of this step, where the runner shows one. */
export async function writeSummary(markdown: string): Promise<void> {
  if (process.env['GITHUB_STEP_SUMMARY']) await summary.addRaw(markdown, true).write()
}
