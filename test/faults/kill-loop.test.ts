import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, test} from '@jest/globals'
import {execa} from 'execa'
import {pruneHistory} from '../../src/history/prune.ts'
import {recover} from '../../src/recover.ts'
import {acknowledged} from '../support/acknowledged.ts'
import {type Rehearsal, rehearse} from '../support/context.ts'
import {recoverOptions} from '../support/recover-options.ts'
import {size} from './size.ts'

const program = fileURLToPath(new URL('../support/programs/write-sessions.ts', import.meta.url))
const WORKERS = 8

/** Starts a writer again and again, and kills it after a while that is different each time. */
async function killAgainAndAgain(
  {folder, server: {address: server}}: Rehearsal,
  worker: number,
  kills: {left: number},
  acks: Map<string, number>,
): Promise<string[]> {
  const wrong: string[] = []
  for (let life = 0; kills.left-- > 0; life++) {
    const words = [
      '--no-warnings',
      '--experimental-strip-types',
      program,
      folder,
      `w${worker}x${life}`,
      '600000',
      server,
    ]
    const child = execa(process.execPath, words, {reject: false, cleanup: true})
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    // Not a wait for something: the moment of death is what is tried.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 120))
    child.kill('SIGKILL')
    const {stdout, stderr, signal} = await child
    if (signal !== 'SIGKILL') wrong.push(`worker ${worker} ended by itself: ${stderr}`)
    for (const [id, seq] of acknowledged(stdout)) acks.set(id, seq)
  }
  return wrong
}

/** Reads the state file as fast as it can; returns how often it was not whole. */
async function readHotly(path: string, until: {done: boolean}): Promise<number> {
  let unreadable = 0
  while (!until.done) {
    try {
      JSON.parse(readFileSync(path, 'utf8'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') unreadable++
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  return unreadable
}

describe('eight processes that are killed at random, with recover and prune at work', () => {
  test('lose nothing that was acknowledged, and every session comes to its end', async () => {
    await using at = await rehearse()
    const kills = {left: size(24, 2000)}
    const acks = new Map<string, number>()
    const over = {done: false}
    const removed = new Set<string>()
    const failures: unknown[] = []
    const unreadable = readHotly(join(at.folder, '.asset-generator-state.json'), over)
    const upkeep = (async () => {
      while (!over.done) {
        const {error} = await recover(at.context, recoverOptions(at.folder))
        if (error) failures.push(error)
        const pruned = await pruneHistory(at.context, {olderThanMs: 3_600_000, keep: 150, dryRun: false})
        for (const id of pruned.removed) removed.add(id)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    const workers = Array.from({length: WORKERS}, (_, worker) => killAgainAndAgain(at, worker, kills, acks))
    const wrong = (await Promise.all(workers)).flat()
    over.done = true
    await upkeep
    expect(wrong).toEqual([])
    expect(failures).toEqual([])
    expect(await unreadable).toBe(0)

    expect(await recover(at.context, recoverOptions(at.folder))).toMatchObject({exit_code: 0})
    expect(await at.sessions.list({active: true})).toEqual([])
    expect(acks.size).toBeGreaterThan(WORKERS)
    const lost: string[] = []
    for (const [id, acknowledgedSeq] of acks) {
      if (removed.has(id)) continue
      const owners = new Map<number, string>()
      const seqs = new Set<number>()
      for await (const {session} of at.sessions.history(id)) {
        if (session.epoch === 1) seqs.add(session.seq)
        const owner = owners.get(session.epoch)
        if (owner !== undefined && owner !== session.owner) lost.push(`${id} has two owners in epoch ${session.epoch}`)
        owners.set(session.epoch, session.owner)
      }
      for (let seq = 1; seq <= acknowledgedSeq; seq++) if (!seqs.has(seq)) lost.push(`${id} lost its line ${seq}`)
    }
    expect(lost).toEqual([])
    await at.sessions.close()
    const view = JSON.parse(readFileSync(join(at.folder, '.asset-generator-state.json'), 'utf8'))
    expect(view.sessions).toEqual({})
  }, 3_600_000)
})
