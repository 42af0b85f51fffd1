import {join} from 'node:path'
import {execa} from 'execa'
import {restoreState, saveState, stateKeys} from '../src/action/cache.ts'
import {readRunner} from '../src/action/runner.ts'
import {packHistories, unpackHistories} from '../src/action/state-file.ts'
import {systemClock} from '../src/clock.ts'
import {startMock} from '../src/server/mock/start.ts'
import {openWorkspace, resolveWorkspace} from '../src/store/workspace.ts'
import {MANIFEST, repository} from '../test/support/action-job.ts'
import {INSTANT} from '../test/support/context.ts'
import {temporaryFolder} from '../test/support/folder.ts'
import {ResultsService} from '../test/support/results-service.ts'
import {RunnerDouble} from '../test/support/runner.ts'
import {until} from '../test/support/until.ts'
import {type BenchLine, median, timed} from './line.ts'

/** The main step with a warm cache and nothing to do, beside a Node that does nothing. */
export async function benchWarmStep(rounds = 9): Promise<readonly BenchLine[]> {
  await using repo = await repository()
  const first = await repo.job()
  await repo.step(first)
  const ours: number[] = []
  const alone: number[] = []
  for (let round = 0; round < rounds; round++) {
    const job = await repo.job({run: 200 + round, on: first, files: ['assets']})
    const {main, outputs} = await repo.step(job)
    if (outputs['kept'] !== '2') throw new Error(`Something was made: ${main.log}`)
    ours.push(main.milliseconds)
    alone.push(await timed(() => execa(process.execPath, ['-e', '0'])))
  }
  const value = median(ours) / median(alone)
  return [
    {
      name: `warm main step (${median(ours).toFixed(0)} ms) vs node -e 0 (${median(alone).toFixed(0)} ms)`,
      value,
      unit: 'times',
      aim: '<= 3 and the round trips',
      met: value <= 3,
    },
  ]
}

/** From the signal to the end of the process. */
export async function benchActionCancel(rounds = 5): Promise<readonly BenchLine[]> {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    await using mock = await startMock({...INSTANT, step_ms: 300, steps: 50})
    await using runner = await RunnerDouble.start()
    await runner.write('ag.yaml', MANIFEST)
    const busy = async () => {
      const state = await fetch(`${mock.url}/Mock/State`).then((answer) => answer.json())
      return (state as {activity: {live_gens: number}}).activity.live_gens > 0
    }
    const {main} = await runner.step(
      {server: mock.url},
      {strike: {how: 'cancel', when: () => until('a picture at the server', busy)}},
    )
    if (main.exitCode !== 130) throw new Error(main.log)
    times.push(main.milliseconds)
  }
  const value = Math.max(...times) / 1000
  return [{name: `cancel to settled, the slowest of ${rounds}`, value, unit: 's', aim: '< 3', met: value < 3}]
}

/** Restoring and keeping the state of many sessions, beside plain tar and zstd of the same files. */
export async function benchState(count = 1000, rounds = 5): Promise<readonly BenchLine[]> {
  await using services = await ResultsService.start()
  await using folder = temporaryFolder()
  const from = openWorkspace({
    ...resolveWorkspace({stateDir: folder.path, stateFile: undefined}),
    clock: systemClock,
    command: 'bench',
  })
  for (let n = 0; n < count; n++) {
    const request = {
      run: 'r',
      asset: `a${n}`,
      prompt: `picture number ${n}`,
      parameters: {steps: 20, seed: n},
      output: `a${n}.png`,
      server: 'http://x',
    }
    const writer = await from.create(`gen-r-a${n}`, request)
    await writer.append({event: 'submitted', state: 'generating', submission: {kind: 'swarmui', phase: 'ack'}})
    await writer.append({event: 'completed', state: 'completed', progress: 1, message: 'Done'})
  }
  await from.close()
  Object.assign(process.env, services.environment('refs/heads/main'))
  const ours: number[] = []
  const plain: number[] = []
  const log = process.stdout.write
  // Removing thousands of files keeps a disk busy for a while: that is done at the end.
  await using folders = new AsyncDisposableStack()
  for (let round = 0; round < rounds; round++) {
    const fresh = folders.use(temporaryFolder())
    const plainly = folders.use(temporaryFolder())
    const runner = {...readRunner({RUNNER_TEMP: fresh.path}), run: String(round), signal: new AbortController().signal}
    const keys = stateKeys(runner, 'bench', '0')
    // The library talks.
    process.stdout.write = () => true
    try {
      ours.push(
        await timed(async () => {
          await saveState(runner, keys, (path) =>
            packHistories({sessions: from, clock: systemClock}, path, {redactPrompts: false}),
          )
          const into = openWorkspace({
            ...resolveWorkspace({stateDir: fresh.path, stateFile: undefined}),
            clock: systemClock,
            command: 'bench',
          })
          const answer = await restoreState(runner, keys, async (path) =>
            String((await unpackHistories({sessions: into, clock: systemClock}, path)).added),
          )
          await into.close()
          if (!answer.words.endsWith(`: ${count}`)) throw new Error(answer.words)
        }),
      )
    } finally {
      process.stdout.write = log
    }
    const archive = join(plainly.path, 'a.tzst')
    plain.push(
      await timed(async () => {
        await execa('tar', [
          '--use-compress-program',
          'zstdmt',
          '-cf',
          archive,
          '-C',
          join(folder.path, '.ag'),
          'sessions',
        ])
        await execa('tar', ['--use-compress-program', 'unzstd', '-xf', archive, '-C', plainly.path])
      }),
    )
  }
  const value = median(ours) / median(plain)
  return [
    {
      name: `restore and keep ${count} sessions (${median(ours).toFixed(0)} ms) vs tar and zstd (${median(plain).toFixed(0)} ms)`,
      value,
      unit: 'times',
      aim: '<= 2',
      met: value <= 2,
    },
  ]
}
