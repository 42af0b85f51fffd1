/** `1 session`, `2 sessions`; `many` for words that do not simply get an s. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}
