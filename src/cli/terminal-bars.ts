import {styleText} from 'node:util'
import {MultiBar, Presets} from 'cli-progress'
import type {Report} from '../context.ts'
import {formatDuration} from '../duration.ts'
import {logLines, type Progress} from '../face/progress.ts'

/** For terminals: a bar for the run and one for each picture on the way, with step, rate and time left. */
export function terminalBars(out: NodeJS.WriteStream, monotonic: () => number): Progress {
  const bars = new MultiBar(
    {
      stream: out,
      clearOnComplete: true,
      hideCursor: true,
      fps: 12,
      barsize: 24,
      emptyOnZero: true,
      linewrap: false,
      format: '{name} {bar} {percent} {detail}',
      formatBar: (progress, {barsize = 24}) => {
        const filled = Math.round(progress * barsize)
        return (
          styleText('cyan', '━'.repeat(filled), {stream: out}) +
          styleText('dim', '━'.repeat(barsize - filled), {stream: out})
        )
      },
    },
    Presets.rect,
  )
  const running = new Map<
    string,
    {readonly bar: ReturnType<typeof bars.create>; sampling?: number; readonly started: number}
  >()
  const waiting = new Map<string, ReturnType<typeof bars.create>>()
  const lines = logLines(out, (line) => bars.log(line))
  let overall: ReturnType<typeof bars.create> | undefined
  let finished = 0
  let total = 0
  let startedAt = 0

  const tick = (): void => {
    finished++
    const left = ((monotonic() - startedAt) / finished) * (total - finished)
    overall?.update(finished / total, {
      percent: `${finished}/${total}`,
      detail: finished < total ? `${formatDuration(left)} left` : '',
    })
  }
  const drop = (asset: string): void => {
    const entry = running.get(asset)
    if (entry) bars.remove(entry.bar)
    running.delete(asset)
  }
  return {
    report: (event) => {
      lines.report(event)
      switch (event.event) {
        case 'run.started':
          total = event.total
          startedAt = monotonic()
          if (total === 0) return
          overall = bars.create(1, 0, {name: 'all'.padEnd(22), percent: `0/${total}`, detail: ''})
          return
        case 'asset.started':
          // Begun once more: an earlier session of it was looked into before.
          drop(event.asset)
          running.set(event.asset, {
            bar: bars.create(1, 0, {name: shortName(event.asset), percent: '  0%', detail: 'waiting'}),
            started: monotonic(),
          })
          return
        case 'asset.progress': {
          const entry = running.get(event.asset)
          if (!entry) return
          const now = monotonic()
          if (event.step) entry.sampling ??= now
          entry.bar.update(event.progress, {
            percent: `${String(Math.round(event.progress * 100)).padStart(3)}%`,
            detail: detail(event, (now - entry.started) / 1000, (now - (entry.sampling ?? now)) / 1000),
          })
          return
        }
        case 'wait.state':
        case 'wait.heartbeat':
        case 'wait.look': {
          const line = waiting.get(event.server) ?? bars.create(1, 0, {}, {format: '{name} {detail}'})
          waiting.set(event.server, line)
          const quiet = event.quiet_seconds > 0 ? ` for ${event.quiet_seconds.toFixed(0)} s` : ''
          line.update(0, {name: event.server, detail: `${event.state}${quiet}: ${event.reason}`})
          return
        }
        case 'wait.finished':
          for (const line of waiting.values()) bars.remove(line)
          return waiting.clear()
        case 'asset.completed':
        case 'asset.failed':
          drop(event.asset)
          tick()
      }
    },
    close: () => bars.stop(),
  }
}

function detail(event: Extract<Report, {event: 'asset.progress'}>, seconds: number, sampling: number): string {
  const step = event.step && event.steps ? `step ${event.step}/${event.steps}  ` : ''
  // The clock of the rate starts with the first step that was seen, so that waiting in the queue does not slow it.
  const rate =
    event.step && event.step > 1 && sampling > 0 ? `${((event.step - 1) / sampling).toFixed(1)} steps/s  ` : ''
  const left = event.progress > 0.05 ? `${formatDuration((seconds / event.progress - seconds) * 1000)} left` : ''
  return step + rate + left
}

function shortName(name: string): string {
  return name.length > 22 ? `${name.slice(0, 21)}…` : name.padEnd(22)
}
