/**
 * Writes sessions in a workspace until told to stop or for a while, and tells each acknowledged update on stdout:
 * `write-sessions.ts FOLDER NAME MILLISECONDS [SERVER]`. Every second session is settled, the first is not.
 */
import {systemClock} from '../../../src/clock.ts'
import {openWorkspace, resolveWorkspace} from '../../../src/store/workspace.ts'

const [folder = '', name = '', ms = '0', server = 'http://localhost'] = process.argv.slice(2)
const store = openWorkspace({
  ...resolveWorkspace({stateDir: folder, stateFile: undefined}),
  clock: systemClock,
  command: 'test',
})
const request = {run: name, asset: 'a', prompt: 'p', parameters: {}, output: 'a.png', server}
const until = performance.now() + Number(ms)
for (let number = 0; performance.now() < until; number++) {
  const id = `gen-${name}-${number}`
  const writer = await store.create(id, request)
  process.stdout.write(`${id} 1\n`)
  const intent = {kind: 'swarmui', phase: 'intent'} as const
  process.stdout.write(`${id} ${await writer.append({event: 'intent', state: 'starting', submission: intent})}\n`)
  const ack = {kind: 'swarmui', phase: 'ack', handle: `ag/${name}/a`} as const
  process.stdout.write(`${id} ${await writer.append({event: 'submitted', state: 'generating', submission: ack})}\n`)
  if (number % 2 === 1)
    process.stdout.write(`${id} ${await writer.append({event: 'completed', state: 'completed', progress: 1})}\n`)
}
await store.close()
