import {styleText} from 'node:util'
import {systemClock} from '../clock.ts'
import {type DoctorResult, doctor} from '../doctor.ts'
import type {Conduct} from './conduct.ts'
import {connect} from './connect.ts'
import type {ServerSettings, StateSettings} from './settings.ts'
import {openHistories} from './workspace.ts'

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']

/** Looks at the server that the settings name and at the workspace. */
export async function runDoctor(
  settings: ServerSettings & StateSettings,
  {signal, report}: Conduct,
): Promise<DoctorResult> {
  const sessions = openHistories(settings, {command: 'ag doctor', readOnly: true})
  await using connection = await connect(settings)
  const proxies = Object.fromEntries(PROXIES.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
  return await doctor({server: connection.server, sessions, clock: systemClock, signal, report}, {proxies})
}

const MARKS = {
  ok: ['green', '✓'],
  warning: ['yellow', '!'],
  problem: ['red', '✗'],
  fully: ['green', '✓'],
  partly: ['yellow', '!'],
  no: ['red', '✗'],
  unknown: ['yellow', '?'],
} as const

/** What doctor found, a line for each thing. */
export function doctorReport(
  {checks, commands, server}: DoctorResult,
  stream: NodeJS.WriteStream = process.stdout,
): string {
  const mark = (state: keyof typeof MARKS): string => styleText(MARKS[state][0], MARKS[state][1], {stream})
  const width = Math.max(...checks.map(({name}) => name.length), ...commands.map(({command}) => command.length + 3))
  const lines = [
    server,
    '',
    ...checks.flatMap(({name, state, detail, next}) => [
      `${mark(state)} ${name.padEnd(width)}  ${detail}`,
      ...(next ? [`  ${''.padEnd(width)}  ${next}`] : []),
    ]),
  ]
  if (commands.length > 0) lines.push('')
  for (const {command, works, detail, needs} of commands) {
    lines.push(
      `${mark(works)} ${`ag ${command}`.padEnd(width)}  ${works === 'no' ? 'does not work' : `works ${works}`}${detail ? `: ${detail}` : ''}`,
    )
    if (needs) lines.push(`  ${''.padEnd(width)}  Ask for ${needs.join(', ')}.`)
  }
  return lines.join('\n')
}
