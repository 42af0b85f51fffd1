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
  const title = `  title Begun ${new Date(begin).toISOString().slice(0, 19).replace('T', ' ')} UTC`
  return ['```mermaid', 'gantt', title, '  dateFormat x', '  axisFormat %H:%M:%S', ...sections, '```'].join('\n')
}

/** Names are ids, so they hold none of Mermaid's signs; a bar of no length is not drawn, so it gets a second. */
function bar({name, from, to, state}: Stretch): string {
  return `  ${name.replace(/[^A-Za-z0-9_. -]/g, ' ').slice(0, 40)} :${LOOKS[state]}${from}, ${Math.max(to, from + 1000)}`
}
