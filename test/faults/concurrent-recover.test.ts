import {readdirSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, test} from '@jest/globals'
import {ag} from '../support/ag.ts'
import {rehearse} from '../support/context.ts'
import {orphan} from '../support/orphan.ts'
import {size} from './size.ts'

const IDS = ['a', 'b', 'c', 'd', 'e', 'f']
const manifest = `
defaults: {model: mock/sdxl-base, steps: 2, width: 64, height: 64}
assets: [${IDS.map((id) => `{id: ${id}, prompt: "picture ${id}"}`).join(', ')}]
`

describe('several ag recover --apply at once', () => {
  test('settle each session once', async () => {
    await using at = await rehearse()
    const phases = ['ack', 'ack', 'ack', 'ack', 'intent', 'none'] as const
    for (const [n, id] of IDS.entries()) {
      await orphan(at, manifest, {asset: id, phase: phases[n] ?? 'ack', finished: n < 3})
    }
    const started = Array.from({length: size(6, 32)}, () =>
      ag(['recover', '--apply', '--json'], {cwd: at.folder, env: {AG_SERVER: at.mock.url}}),
    )
    const ended = await Promise.all(started)
    expect(ended.filter(({exitCode}) => exitCode !== 0).map(({stdout, stderr}) => stdout + stderr)).toEqual([])
    const sessions = await at.sessions.list({active: false})
    expect(sessions.map(({state}) => state).sort()).toEqual([
      'completed',
      'completed',
      'completed',
      'failed',
      'lost',
      'lost',
    ])
    for (const {id} of sessions) {
      const events: string[] = []
      for await (const {event, session} of at.sessions.history(id)) {
        if (session.epoch > 1) events.push(event)
      }
      const [taken, ...rest] = events
      expect({id, taken, ends: rest.filter((event) => event !== 'fetched')}).toMatchObject({
        taken: 'reattached',
        ends: [expect.stringMatching(/^(recovered|lost|failed)$/)],
      })
    }
    expect(readdirSync(join(at.folder, 'assets')).sort()).toEqual(['a.png', 'b.png', 'c.png'])
    expect(await at.asked()).toBe(3)
    const done = ended.flatMap(({stdout}) =>
      (JSON.parse(stdout) as {sessions: {outcome: string}[]}).sessions.filter(({outcome}) => outcome === 'done'),
    )
    expect(done).toHaveLength(IDS.length)
  }, 120_000)
})
