import {readFileSync, unlinkSync, utimesSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, test} from '@jest/globals'
import {exportHistory} from '../src/history/export.ts'
import {listHistory} from '../src/history/list.ts'
import {mergeHistory} from '../src/history/merge.ts'
import {oldSessions, pruneHistory} from '../src/history/prune.ts'
import {showHistory} from '../src/history/show.ts'
import {verifyHistory} from '../src/history/verify.ts'
import {newSession} from '../src/session/replay.ts'
import {withoutPrompts} from '../src/session/without-prompts.ts'
import {outputOf, type Rehearsal, rehearse} from './support/context.ts'

const two = `
defaults: {model: mock/sdxl-base, steps: 4, width: 64, height: 64}
assets: [{id: sun, prompt: a sun}, {id: moon, prompt: a moon}]
`

async function lines(at: Rehearsal): Promise<string[]> {
  const all: string[] = []
  for await (const line of exportHistory(at.context, {})) all.push(line)
  return all
}

/** The lines without what the prompts were. */
async function redacted(at: Rehearsal): Promise<string[]> {
  const all: string[] = []
  for await (const line of exportHistory(at.context, {}, {redactPrompts: true})) all.push(line)
  return all
}

describe('history without prompts', () => {
  const settings = 'negative_prompt: no dusk, prompt_suffix: in ink'
  const manifest = two.replace('defaults: {', `defaults: {${settings}, `)

  test('has none of them, and everything else', async () => {
    await using at = await rehearse()
    await at.generate(manifest)
    const [whole, without] = [await lines(at), await redacted(at)]
    expect(without).toHaveLength(whole.length)
    expect(without.join()).not.toMatch(/a sun|a moon|dusk|in ink/)
    expect(JSON.parse(without[0] ?? '')).toMatchObject({
      metadata: {request: {prompt: '(redacted)', redacted: true, parameters: {steps: 4, negativeprompt: '(redacted)'}}},
    })
  })

  test('is as good for going on elsewhere: nothing is asked for twice', async () => {
    await using at = await rehearse()
    await at.generate(manifest)
    await using other = await at.elsewhere()
    for (const {id} of await other.sessions.list({active: false})) {
      unlinkSync(join(other.folder, '.ag', 'sessions', `${id}.jsonl`))
    }
    await mergeHistory(other.context, await redacted(at))
    expect(await other.generate(manifest)).toMatchObject({made: 0, adopted: 2})
  })

  test('merged with the whole one, in whatever order, is no conflict, and the prompts stay', async () => {
    await using at = await rehearse()
    await at.generate(manifest)
    const whole = await lines(at)
    const without = await redacted(at)
    expect(await mergeHistory(at.context, without)).toMatchObject({unchanged: 2, conflicts: 0, put_aside: []})
    expect(await lines(at)).toEqual(whole)
    await using other = await rehearse()
    await mergeHistory(other.context, without)
    expect(await mergeHistory(other.context, whole)).toMatchObject({changed: 2, conflicts: 0, put_aside: []})
    expect(await lines(other)).toEqual(whole)
  })

  test('merged with the whole one, keeps messages that quote a prompt, too', async () => {
    await using at = await rehearse({faults: [{do: {error: 'ComfyUI errored: cannot parse "a very round moon"'}}]})
    await at.generate(two.replaceAll('a moon', 'a very round moon'), {retries: 0})
    const whole = await lines(at)
    expect(await mergeHistory(at.context, await redacted(at))).toMatchObject({changed: 0, conflicts: 0})
    expect(await lines(at)).toEqual(whole)
  })

  test.each(['no json', '{}', '[]', '{"metadata": {"request": 1}}', '{"request": {}}'])(
    'leaves %j as it is',
    (text) => {
      expect(withoutPrompts(text)).toBe(text)
    },
  )
})

describe('history', () => {
  test('lists the newest sessions first, and those that are asked for', async () => {
    await using at = await rehearse({faults: [{when: {prompt: 'moon'}, do: {error: 'ComfyUI errored: no'}}]})
    await at.generate(two, {concurrency: 1, retries: 0})
    const list = await listHistory(at.context, {limit: 1})
    expect(list).toMatchObject({total: 2, sessions: [{asset: 'moon', state: 'failed', error: expect.any(String)}]})
    expect(await listHistory(at.context, {limit: 9, state: 'completed'})).toMatchObject({
      total: 1,
      sessions: [{asset: 'sun', path: 'assets/sun.png'}],
    })
    expect(await listHistory(at.context, {limit: 9, run: 'other'})).toMatchObject({total: 0})
    expect(await listHistory(at.context, {limit: 9, sinceMs: -1})).toMatchObject({total: 0})
  })

  test('follows a session until it is settled', async () => {
    await using at = await rehearse()
    const writer = await at.sessions.create('gen-r1-a', {
      run: 'r1',
      asset: 'a',
      prompt: 'p',
      parameters: {},
      output: 'a.png',
      server: '',
    })
    const seen: string[] = []
    for await (const {event} of showHistory(at.context, 'gen-r1-a', {follow: true})) {
      seen.push(event)
      if (event === 'created') await writer.append({event: 'intent', state: 'starting'})
      if (event === 'intent') await writer.append({event: 'failed', state: 'failed'})
    }
    expect(seen).toEqual(['created', 'intent', 'failed'])
    const unknown = showHistory(at.context, 'gen-r1-b', {follow: false})
    await expect(unknown.next()).rejects.toThrow(/no session "gen-r1-b"/)
  })

  test('exported and merged elsewhere is the same history, and merging again changes nothing', async () => {
    await using at = await rehearse()
    await at.generate(two)
    const all = await lines(at)
    await using other = await rehearse()
    expect(await mergeHistory(other.context, all)).toMatchObject({
      lines: all.length,
      added: 2,
      damaged: 0,
      conflicts: 0,
    })
    expect(await lines(other)).toEqual(all)
    expect(await mergeHistory(other.context, all)).toMatchObject({added: 0, changed: 0, unchanged: 2})
  })

  test('takes from what comes from elsewhere only what is a line of a history', async () => {
    await using at = await rehearse()
    await at.generate(two)
    const all = await lines(at)
    const hostile = [
      'no json',
      undefined,
      '{"session":"../../etc/passwd"}',
      all[0]?.replaceAll('gen-run0-', '../gen-run0-'),
      '[]',
    ]
    await using other = await rehearse()
    expect(await mergeHistory(other.context, [...all, ...hostile])).toMatchObject({damaged: 5, added: 2})
  })

  test('leaves alone what a live process is writing', async () => {
    await using at = await rehearse()
    const request = {run: 'r1', asset: 'a', prompt: 'p', parameters: {}, output: 'a.png', server: ''}
    const writer = await at.sessions.create('gen-r1-a', request)
    await using other = await rehearse()
    const copy = await other.sessions.create('gen-r1-a', request)
    await copy.append({event: 'failed', state: 'failed'})
    expect(await mergeHistory(at.context, await lines(other))).toMatchObject({live: ['gen-r1-a']})
    await writer.append({event: 'intent', state: 'starting'})
  })

  test('of a session that two machines went on with keeps the picture that one of them finished', async () => {
    await using at = await rehearse()
    await at.sessions.create('gen-r1-a', {
      run: 'r1',
      asset: 'a',
      prompt: 'p',
      parameters: {},
      output: 'a.png',
      server: '',
    })
    const [first, second] = [await at.elsewhere(), await at.elsewhere()]
    const picture = {path: 'a.png', sha256: 'ab'.repeat(32), bytes: 1, width: 1, height: 1, format: 'png'}
    await (await first.sessions.claim('gen-r1-a'))?.append({event: 'recovered', state: 'completed', result: {picture}})
    const late = await second.sessions.claim('gen-r1-a')
    await late?.append({event: 'progress', state: 'generating', progress: 0.5})
    await late?.append({event: 'lost', state: 'lost', result: {reason: 'gone'}})
    for (const order of [
      [first, second],
      [second, first],
    ]) {
      await using merged = await rehearse()
      for (const from of order) await mergeHistory(merged.context, await lines(from))
      expect(await merged.sessions.get('gen-r1-a')).toMatchObject({state: 'completed', result: {picture}})
    }
    await first[Symbol.asyncDispose]()
    await second[Symbol.asyncDispose]()
  })

  test('takes no line that is longer than one that ag writes', async () => {
    await using at = await rehearse()
    await at.generate(two)
    const all = await lines(at)
    const long = all[0]?.replace('"message":"', `"message":"${' '.repeat(20_000)}`)
    await using other = await rehearse()
    expect(await mergeHistory(other.context, [...all, long])).toMatchObject({damaged: 1, added: 2})
    await expect(mergeHistory(other.context, ['nonsense', undefined])).rejects.toThrow(/None of the 2 lines/)
  })

  test('keeps its own lines aside where another copy says more', async () => {
    await using at = await rehearse()
    const request = {run: 'r1', asset: 'a', prompt: 'p', parameters: {}, output: 'a.png', server: ''}
    await at.sessions.create('gen-r1-a', request)
    await using other = await at.elsewhere()
    const picture = {path: 'a.png', sha256: 'ab'.repeat(32), bytes: 1, width: 1, height: 1, format: 'png'}
    await using third = await at.elsewhere()
    await (await other.sessions.claim('gen-r1-a'))?.append({event: 'lost', state: 'lost'})
    await (await third.sessions.claim('gen-r1-a'))?.append({event: 'recovered', state: 'completed', result: {picture}})
    const {put_aside: aside} = await mergeHistory(other.context, await lines(third))
    expect(aside).toHaveLength(1)
    expect(readFileSync(aside[0] ?? '', 'utf8')).toContain('"state":"lost"')
    expect(await other.sessions.get('gen-r1-a')).toMatchObject({state: 'completed'})
  })

  test('prunes what is old or too many, never what is not settled or still needed', async () => {
    await using at = await rehearse()
    await at.generate(two)
    await at.generate(two, {resume: 'never'})
    await at.sessions.create('gen-r1-a', {
      run: 'r1',
      asset: 'a',
      prompt: 'p',
      parameters: {},
      output: 'a.png',
      server: '',
    })
    const month = 30 * 86_400_000
    expect(await pruneHistory(at.context, {olderThanMs: month, keep: 1000, dryRun: false})).toMatchObject({
      removed: [],
      kept: 4,
      active: 1,
    })
    const some = {olderThanMs: month, keep: 3, dryRun: true}
    expect((await pruneHistory(at.context, some)).removed).toHaveLength(1)
    expect(await at.sessions.list({active: false})).toHaveLength(5)
    const later = {...at.context, clock: {...at.context.clock, now: () => Date.now() + 2 * month}}
    expect((await pruneHistory(later, {olderThanMs: month, keep: 9, dryRun: false})).removed).toHaveLength(2)
    expect(readFileSync(outputOf(at, 'sun.png')).length).toBeGreaterThan(0)
    // By the newest of each asset it is known that nothing has to be made.
    expect(await at.generate(two)).toMatchObject({made: 0, kept: 2})
  })

  test('prunes none that tells of a picture in its place, though another manifest has an asset of the same name', async () => {
    await using at = await rehearse()
    const icon = (folder: string) =>
      `defaults: {model: mock/sdxl-base, width: 64, height: 64}\noutput: ${folder}\nassets: [{id: icon, prompt: ${folder}}]`
    await at.generate(icon('a'))
    await at.generate(icon('b'))
    const later = {...at.context, clock: {...at.context.clock, now: () => Date.now() + 86_400_000}}
    expect((await pruneHistory(later, {olderThanMs: 1, keep: 0, dryRun: false})).removed).toEqual([])
    expect(await at.generate(icon('a'))).toMatchObject({kept: 1})
    const named = (name: string) => icon('a').replace('id: icon', `id: icon, path: ${name}.png`)
    await at.generate(named('day'))
    await at.generate(named('night'))
    await pruneHistory(later, {olderThanMs: 1, keep: 0, dryRun: false})
    expect(await at.generate(named('day'))).toMatchObject({kept: 1})
  })

  test('prunes none of two places that differ as their seeds do, and of random seeds all but the newest', async () => {
    await using at = await rehearse()
    const hero = (folder: string, seed: number | string) =>
      `defaults: {model: mock/sdxl-base, width: 64, height: 64}
output: ${folder}
assets: [{id: hero, path: '{id}-{seed}', prompt: a sun, seed: ${seed}}]`
    await at.generate(hero('v1', 1))
    await at.generate(hero('v2', 2))
    for (let n = 0; n < 3; n++) await at.generate(hero('v3', 'random'))
    const later = {...at.context, clock: {...at.context.clock, now: () => Date.now() + 86_400_000}}
    expect((await pruneHistory(later, {olderThanMs: 1, keep: 0, dryRun: false})).removed).toHaveLength(2)
    expect(await at.generate(hero('v1', 1))).toMatchObject({made: 0, kept: 1})
  })

  test('prunes none of two places where a seed is not known', () => {
    const picture = {sha256: 'ab'.repeat(32), bytes: 1, width: 1, height: 1, format: 'png'}
    const session = (id: string, path: string, seed: {seed?: number}) => ({
      ...newSession(id, {run: 'r1', asset: 'a', key: 'k', owner: 'o', at: '2026-01-01T00:00:00.000Z'}),
      state: 'completed' as const,
      result: {picture: {...picture, path}, ...seed},
    })
    const both = [session('gen-r1-a', 'one/a.png', {seed: 5}), session('gen-r2-a', 'two/a.png', {})]
    expect(oldSessions(both, {olderThanMs: 1, keep: 0, now: Date.now()})).toEqual([])
  })

  test('prunes pictures of prompts but for the newest, though each has a folder of its own', async () => {
    await using at = await rehearse()
    const picture = {sha256: 'ab'.repeat(32), bytes: 1, width: 1, height: 1, format: 'png'}
    for (const n of [1, 2, 3]) {
      const id = `gen-r${n}-image`
      const request = {run: `r${n}`, asset: 'image', prompt: 'p', parameters: {}, output: 'a.png', server: ''}
      const result = {picture: {...picture, path: `output/${id}/image.png`}}
      await at.sessions.record(id, request, {event: 'completed', state: 'completed', result})
    }
    const later = {...at.context, clock: {...at.context.clock, now: () => Date.now() + 86_400_000}}
    expect((await pruneHistory(later, {olderThanMs: 1, keep: 0, dryRun: true})).removed).toHaveLength(2)
  })

  test('verify finds a history that was emptied, also of a session that is known to be over', async () => {
    await using at = await rehearse()
    await at.generate(two)
    const [emptied = ''] = [...(await at.sessions.upkeep.ids())]
    const path = join(at.folder, '.ag', 'sessions', `${emptied}.jsonl`)
    writeFileSync(path, '')
    utimesSync(path, 0, 0)
    expect(await verifyHistory(at.context, at.folder)).toMatchObject({
      findings: [{session: `${emptied}.jsonl`, kind: 'damage'}],
      exit_code: 1,
    })
  })

  test('verify finds what is damaged, and tells it from what a death leaves', async () => {
    await using at = await rehearse()
    await at.generate(two, {concurrency: 1})
    expect(await verifyHistory(at.context, at.folder)).toMatchObject({
      sessions: 2,
      pictures: 2,
      findings: [],
      exit_code: 0,
    })
    const path = (id: string): string => join(at.folder, '.ag', 'sessions', `gen-run0-${id}.jsonl`)
    writeFileSync(path('sun'), `${readFileSync(path('sun'), 'utf8')}{"torn`)
    expect(await verifyHistory(at.context, at.folder)).toMatchObject({findings: [{kind: 'note'}], exit_code: 0})
    const [, ...rest] = readFileSync(path('moon'), 'utf8').split('\n')
    writeFileSync(path('moon'), rest.join('\n'))
    unlinkSync(outputOf(at, 'sun.png'))
    writeFileSync(join(at.folder, '.ag', 'sessions', 'gen-x.jsonl'), 'no json\n')
    const {findings, exit_code: code} = await verifyHistory(at.context, at.folder)
    expect(code).toBe(1)
    expect(findings.map(({session, path: picture, kind}) => `${kind} ${session ?? picture}`)).toEqual([
      'damage gen-x.jsonl',
      'note gen-run0-sun',
      'damage gen-run0-moon',
      'note assets/sun.png',
    ])
  })
})
