import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, test} from '@jest/globals'
import {execa} from 'execa'
import {systemClock} from '../../src/clock.ts'
import {openWorkspace, resolveWorkspace} from '../../src/store/workspace.ts'
import {size} from '../faults/size.ts'
import {acknowledged} from '../support/acknowledged.ts'
import {temporaryFolder} from '../support/folder.ts'

const program = fileURLToPath(new URL('../support/programs/write-sessions.ts', import.meta.url))

function write(folder: string, name: string, ms: number) {
  return execa(process.execPath, ['--no-warnings', '--experimental-strip-types', program, folder, name, String(ms)], {
    reject: false,
  })
}

function open(stateDir: string) {
  return openWorkspace({
    ...resolveWorkspace({stateDir, stateFile: undefined}),
    clock: systemClock,
    command: 'test',
    readOnly: true,
  })
}

async function firstOutput(child: ReturnType<typeof write>): Promise<void> {
  await new Promise((resolve) => child.stdout?.once('data', resolve))
}

describe('processes that share a workspace', () => {
  test('lose nothing of each other, and the state file is whole at every moment', async () => {
    await using folder = temporaryFolder()
    let stop = false
    let unreadable = 0
    const reader = (async () => {
      while (!stop) {
        try {
          JSON.parse(readFileSync(join(folder.path, '.asset-generator-state.json'), 'utf8'))
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') unreadable++
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    const names = Array.from({length: size(6, 32)}, (_, n) => `w${n}`)
    const results = await Promise.all(names.map((name) => write(folder.path, name, size(1500, 30_000))))
    stop = true
    await reader
    const store = open(folder.path)
    const sessions = new Map((await store.list({active: false})).map((session) => [session.id, session]))
    const acks = results.flatMap(({stdout}) => [...acknowledged(stdout)])
    expect(acks.length).toBeGreaterThan(20)
    for (const [id, seq] of acks) expect(sessions.get(id)?.seq).toBe(seq)
    expect(unreadable).toBe(0)
    const active = [...sessions.values()].filter(({state}) => state !== 'completed').map(({id}) => id)
    const {sessions: shown} = JSON.parse(readFileSync(join(folder.path, '.asset-generator-state.json'), 'utf8'))
    expect(Object.keys(shown).sort()).toEqual(active.sort())
  }, 300_000)

  test('see at once that one was killed, and that nothing it acknowledged is gone', async () => {
    await using folder = temporaryFolder()
    const child = write(folder.path, 'a', 60_000)
    await firstOutput(child)
    child.kill('SIGKILL')
    const {stdout} = await child
    const sessions = await open(folder.path).list({active: false})
    for (const [id, seq] of acknowledged(stdout)) {
      expect(sessions.find((session) => session.id === id)?.seq).toBeGreaterThanOrEqual(seq)
    }
    const unsettled = await open(folder.path).list({active: true})
    for (const {ownerStanding} of unsettled) expect(ownerStanding).toBe('dead')
    expect(unsettled.length).toBeGreaterThan(0)
  })

  test('know that one which is merely stopped still lives', async () => {
    await using folder = temporaryFolder()
    const child = write(folder.path, 'a', 60_000)
    await firstOutput(child)
    child.kill('SIGSTOP')
    try {
      const [session] = await open(folder.path).list({active: false})
      expect(session?.ownerStanding).toBe('alive')
    } finally {
      child.kill('SIGKILL')
      await child
    }
  })
})
