import {styleText} from 'node:util'
import type {ActiveGeneration, StatusResult} from '../status.ts'

type Colour = 'green' | 'yellow' | 'red'

/** The colour of each word, as seed 000 has it; words without one stay plain. */
const COLOURS: Readonly<Record<string, Colour>> = {
  online: 'green',
  running: 'green',
  generating: 'green',
  idle: 'yellow',
  pending: 'yellow',
  starting: 'yellow',
  busy: 'yellow',
  unknown: 'yellow',
  stale: 'yellow',
  very_stale: 'red',
  offline: 'red',
  denied: 'red',
  errored: 'red',
  dead: 'red',
  foreign: 'yellow',
}

const WIDTH = 47

/** The table of seed 000 and 001: server, backends, active generations, models. Ends with a line break. */
export function statusTable(result: StatusResult, stream: NodeJS.WriteStream = process.stdout): string {
  const colour = (word: string): string => {
    const format = COLOURS[word]
    return format ? styleText(format, word, {stream}) : word
  }
  const heading = (title: string): string[] => ['', title, '─'.repeat(WIDTH)]
  const lines = [
    'SwarmUI Server Status',
    '═'.repeat(WIDTH),
    '',
    `Server URL:      ${result.server_url}`,
    `Status:          ${colour(result.status)}`,
    `Response Time:   ${result.response_time || '—'}`,
    `Version:         ${result.version || 'N/A'}`,
    `Activity:        ${activity(result.server_activity, colour)}`,
    ...(result.error ? [`Error:           ${result.error.message}`] : []),
    ...(result.error?.next ? [`                 ${result.error.next}`] : []),
    ...(result.usable_note ? [`Note:            ${result.usable_note}`] : []),
    ...(result.backends?.length
      ? [...heading('Backends'), ...result.backends.flatMap((backend) => backendLines(backend, colour))]
      : []),
    ...heading('Active Generations'),
    ...generations(result, colour),
    ...result.waiting_runs.map((run) => `Waiting for its turn: the run ${run}`),
    ...(result.orphaned_generations.length > 0
      ? [
          ...heading('Orphaned Generations'),
          ...result.orphaned_generations
            .flatMap((generation, at) => generationLines(generation, at, colour))
            .slice(0, -1),
          '',
          'Their processes are gone. What became of them tells: ag recover',
        ]
      : []),
    ...(result.models_count === null
      ? []
      : [
          ...heading('Models'),
          `Total Available: ${result.models_count}`,
          ...(result.models_loaded ? [`Currently Loaded: ${result.models_loaded}`] : []),
        ]),
  ]
  return `${lines.join('\n')}\n`
}

function activity({state, reason}: StatusResult['server_activity'], colour: (word: string) => string): string {
  return state === 'idle' ? 'idle' : `${colour(state)} (${reason})`
}

function backendLines(
  backend: NonNullable<StatusResult['backends']>[number],
  colour: (word: string) => string,
): string[] {
  return [
    `  • ${backend.id}${backend.title ? ` (${backend.title})` : ''}`,
    `    Type:          ${backend.type}`,
    // SwarmUI's word for a backend it cannot reach is "idle": in red, it is no good news.
    `    Status:        ${backend.status === 'idle' ? `${colour('errored').replace('errored', 'idle')} (unreachable)` : colour(backend.status)}`,
    ...(backend.model_loaded ? [`    Model Loaded:  ${backend.model_loaded}`] : []),
  ]
}

function generations(result: StatusResult, colour: (word: string) => string): string[] {
  if (result.active_generations.length > 0) {
    return result.active_generations.flatMap((generation, at) => generationLines(generation, at, colour)).slice(0, -1)
  }
  if (result.generations_running > 0) {
    const whose = result.orphaned_generations.length > 0 ? 'perhaps the orphaned ones below' : 'none of this workspace'
    return [`Running on the server: ${result.generations_running} (by its own counters; ${whose})`]
  }
  if (result.server_activity.state !== 'unknown') return ['No generations currently running']
  return ['None of this workspace; whether the server works for others is unknown']
}

function generationLines(generation: ActiveGeneration, at: number, colour: (word: string) => string): string[] {
  const stale = generation.staleness === 'fresh' ? '' : ` (${colour(generation.staleness).replace('_', ' ')})`
  const owner =
    generation.owner === 'self' || generation.owner === 'alive'
      ? []
      : [`    Owner:         ${colour(generation.owner)}`]
  return [
    `  Generation ${at + 1}:`,
    `    Session ID:    ${generation.session_id}`,
    `    Asset:         ${generation.asset}`,
    `    Status:        ${colour(generation.status)}${stale}`,
    `    Progress:      ${(generation.progress * 100).toFixed(1)}%`,
    `    Duration:      ${generation.duration}`,
    ...owner,
    '',
  ]
}
