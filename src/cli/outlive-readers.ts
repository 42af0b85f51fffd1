import {storageError, systemCode} from '../errors.ts'

/** How a reader is gone; Windows has words of its own. */
const GONE: ReadonlySet<string> = new Set(['EPIPE', 'EOF', 'ECONNRESET'])

const reader = new AbortController()

/** Aborted when nobody reads stdout any more: what does nothing but write there, again and again, has come to its end. */
export const readerGone: AbortSignal = reader.signal

/**
 * Output that nobody takes any more is dropped, and what is being done goes on: whoever reads has read enough (`| head`), and a run must
 * not leave its server at work for that. A disk that is full is told, once, and in the exit code.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    // Those that were there would throw.
    stream.removeAllListeners('error')
    stream.on('error', (error) => {
      stream.write = () => true
      // For whoever waits for room.
      stream.emit('drain')
      if (stream === process.stderr) return
      reader.abort()
      if (GONE.has(systemCode(error) ?? '')) return
      process.stderr.write(`Error: ${storageError('the output', error).message}\n`)
      process.once('exit', () => {
        process.exitCode ||= 1
      })
    })
  }
}
