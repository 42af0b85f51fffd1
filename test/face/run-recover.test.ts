import {join} from 'node:path'
import {expect, test} from '@jest/globals'
import {RECOVER_DEFAULTS} from '../../src/face/recover-settings.ts'
import {runRecover} from '../../src/face/run-recover.ts'
import {rehearse} from '../support/context.ts'
import {orphan} from '../support/orphan.ts'

const two = `
defaults: {model: mock/sdxl-base, steps: 4, width: 64, height: 64}
assets: [{id: sun, prompt: a sun}, {id: moon, prompt: a moon}]
`

// No recording shows such an answer of View.
test('makes again what is lost though the picture of another session is withheld, which it tells', async () => {
  await using at = await rehearse()
  await orphan(at, two, {asset: 'sun', phase: 'ack', finished: true})
  await orphan(at, two, {asset: 'moon', phase: 'none'})
  const json = {error_id: 'internal_error', error: 'An internal error occurred'}
  at.mock.control({faults: [{when: {route: 'View'}, times: 3, do: {status: 500, json}}]})
  const none = {session: undefined, since: undefined, 'output-dir': undefined, 'complete-when': undefined}
  const flags = {...none, apply: true, resubmit: true, wait: false, force: false, 'give-up-after': '0'}
  const nobody = {token: undefined, authorization: undefined, 'user-id': undefined, header: undefined}
  const server = {...nobody, server: at.mock.url, 'allow-insecure': false}
  const state = {'state-dir': at.folder, 'state-file': undefined}
  const settings = {...RECOVER_DEFAULTS, ...flags, ...server, ...state, concurrency: 2}
  const result = await runRecover(join(at.folder, 'ag.yaml'), settings, {signal: at.context.signal, report: () => {}})
  expect(result).toMatchObject({exit_code: 6, error: {message: /does not hand out/}, resubmitted: [{made: 1}]})
})
