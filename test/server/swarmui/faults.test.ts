import {describe, expect, test} from '@jest/globals'
import {DeniedError} from '../../../src/errors.ts'
import {generationFault, serverText} from '../../../src/server/swarmui/faults.ts'

describe('an error text of the server', () => {
  test.each([
    ['Generation session interrupted.', 'interrupted'],
    ['Something went wrong while generating images.', 'failed'],
    ['No backends available!', 'failed'],
    ['ComfyUI execution error: stub says no', 'failed'],
    ['No images were generated (all refused, or failed - check server logs for details).', 'failed'],
    ['ComfyUI errored: {"error":{"type":"stub"}}', 'rejected'],
    ['No model input given. Did your UI load properly?', 'rejected'],
    ['Invalid value for parameter Steps: Invalid integer value for param Steps', 'rejected'],
    ['You do not have permission to use parameter Exact Backend ID.', 'rejected'],
    ["All available backends failed to load the model '/m/x.safetensors'.\n\nPossible reason: no memory", 'rejected'],
    [
      "All available backends failed to load the model '/m/x.safetensors'.\n\nPossible reason: System.Net.WebSockets.WebSocketException (0x80004005): Unable to connect to the remote server\n ---> Connection refused (127.0.0.1:8199)",
      'failed',
    ],
    ['a text nobody has seen before', 'rejected'],
  ])('"%s" means %s', (text, fault) => {
    expect(generationFault(text)).toMatchObject({fault})
  })

  test('of a route that this user may not use means that no picture could be had', () => {
    expect(generationFault('You do not have permission.', 'bad_permissions')).toBeInstanceOf(DeniedError)
  })

  test('loses the stack trace and the folder that a failed model load puts into it (recording 15)', () => {
    const text =
      "All available backends failed to load the model '/srv/models/sd/x.safetensors'.\n\nPossible reason: System.Exception: no\n   at Swarm.Load() in /build/x.cs:line 3"
    expect(serverText(text)).toBe("All available backends failed to load the model 'x.safetensors'.")
  })

  test('cannot carry a command of the runner', () => {
    expect(serverText('\u001b[31m::error::x')).toBe('\u200b::error::x')
  })
})
