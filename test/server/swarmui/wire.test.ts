import {describe, expect, test} from '@jest/globals'
import {readBackends} from '../../../src/server/swarmui/backends.ts'
import {
  backendMap,
  frame,
  generated,
  interrupted,
  modelList,
  newSession,
  parameterList,
  statusBody,
} from '../../../src/server/swarmui/wire.ts'
import {recording, recordingNames} from '../../support/recordings.ts'

const SHAPES = {
  GetNewSession: newSession,
  GetCurrentStatus: statusBody,
  GetGlobalStatus: statusBody,
  ListBackends: backendMap,
  ListModels: modelList,
  ListT2IParams: parameterList,
  GenerateText2Image: generated,
  InterruptAll: interrupted,
} as const

/** Every successful answer of a route in all recordings of a server. */
function answersOf(server: string, route: string): unknown[] {
  return recordingNames(server)
    .flatMap((name) => recording(server, name).events)
    .filter(({request, response}) => request?.path === `/API/${route}` && response?.status === 200)
    .map(({response}) => response?.json)
    .filter((json) => json !== undefined && !Object.hasOwn(json as object, 'error'))
}

describe.each(['swarmui-0.9.8.2', 'swarmui-0.9.7'])('what %s really answered', (server) => {
  test.each(Object.entries(SHAPES))('to %s is understood', (route, shape) => {
    const answers = answersOf(server, route)
    if (route !== 'GetGlobalStatus' || server !== 'swarmui-0.9.7') expect(answers.length).toBeGreaterThan(0)
    for (const answer of answers) expect(shape.safeParse(answer).error).toBeUndefined()
  })

  test('to ListBackends has each of its backends in our list', () => {
    for (const answer of answersOf(server, 'ListBackends')) {
      expect(readBackends(answer as Record<string, unknown>).map(({id}) => id)).toEqual(Object.keys(answer as object))
    }
  })

  test('on generation sockets is understood, frame by frame', () => {
    const frames = recordingNames(server)
      .flatMap((name) => recording(server, name).events)
      .filter(({kind, dir, text}) => kind === 'ws' && dir === 'in' && text !== undefined)
    expect(frames.length).toBeGreaterThan(500)
    for (const {text} of frames) expect(frame.safeParse(text).error).toBeUndefined()
  })
})
