import type {Stretch} from './timeline.ts'

/** Mermaid draws at most 50,000 characters, and nobody reads more bars than these. */
const BARS = 60

/** What Mermaid calls the look of a bar; none is the plain one. */
const LOOKS: Readonly<Record<Stretch['state'], string>> = {
  made: 'done, ',
  found: 'active, ',
  failed: 'crit, ',
  waited: '',
}
const SECTIONS: Readonly<Record<Stretch['state'], string>> = {
  waited: 'Waited',
  made: 'Made',
  found: 'Found, finished before',
  failed: 'Not made',
}

/** A Mermaid gantt of a run: what was waited for and made when, the longest stretches if there are too many. */
export function gantt(stretches: readonly Stretch[]): string | undefined {
  if (stretches.length === 0) return undefined
  const shown = stretches
    .toSorted((a, b) => b.to - b.from - (a.to - a.from))
    .slice(0, BARS)
    .sort((a, b) => a.from - b.from)
  const sections = Object.keys(SECTIONS).flatMap((state) => {
    const bars = shown.filter((stretch) => stretch.state === state)
    return bars.length === 0 ? [] : [`  section ${SECTIONS[state as Stretch['state']]}`, ...bars.map(bar)]
  })
  const begin = Math.min(...shown.map(({from}) => from))
  const head = [`  title Begun ${clock(begin)} UTC`, '  dateFormat YYYY-MM-DD HH:mm:ss', '  axisFormat %H:%M:%S']
  return ['```mermaid', 'gantt', ...head, ...sections, '```'].join('\n')
}

/** Words that Mermaid would take for one of its own at the beginning of a line. */
const RESERVED =
  /^(?=title|section|click|call|href|date|axis|tick|excludes|includes|today|inclusive|top|week|acc|gantt)/i

/** Names are ids, so they hold none of Mermaid's signs; a bar of no length is not drawn, so it gets a second. */
function bar({name, from, to, state}: Stretch): string {
  const label = name
    .replace(/[^A-Za-z0-9_. -]/g, ' ')
    .slice(0, 40)
    .replace(RESERVED, '_')
  const seconds = Math.max(1, Math.round((to - from) / 1000))
  return `  ${label} :${LOOKS[state]}${clock(from)}, ${seconds}s`
}

/** The time of UTC: Mermaid shows it as it is written, wherever the reader is. */
function clock(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}
