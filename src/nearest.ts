import {distance} from 'fastest-levenshtein'

/**
 * The candidates a mistyped word may have meant, best first: those that contain it or begin it, then those a few typing
 * errors away. Case does not count. Empty when nothing is near enough to suggest.
 */
export function nearest(word: string, candidates: readonly string[], limit = 3): string[] {
  const wanted = word.toLowerCase()
  if (wanted === '') return []
  // Two swapped letters count twice, so short words need room for that.
  const tolerance = wanted.length < 4 ? 1 : Math.max(2, Math.floor(wanted.length / 3))
  return candidates
    .map((candidate) => ({candidate, score: score(wanted, candidate.toLowerCase())}))
    .filter(({score}) => score <= tolerance)
    .sort(
      (a, b) => a.score - b.score || a.candidate.length - b.candidate.length || a.candidate.localeCompare(b.candidate),
    )
    .slice(0, limit)
    .map(({candidate}) => candidate)
}

function score(wanted: string, candidate: string): number {
  if (wanted.length >= 2 && candidate.includes(wanted)) return 0
  return distance(wanted, candidate)
}
