/** What a process of `programs/write-sessions.ts` said it had written: session -> highest acknowledged sequence number. */
export function acknowledged(stdout: string): Map<string, number> {
  return new Map(
    stdout
      .split('\n')
      .filter((line) => / \d+$/.test(line))
      .map((line): [string, number] => {
        const [id = '', seq] = line.split(' ')
        return [id, Number(seq)]
      }),
  )
}
