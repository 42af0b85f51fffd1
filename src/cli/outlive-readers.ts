import {storageError, systemCode} from '../errors.ts'

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
      if (systemCode(error) === 'EPIPE' || stream === process.stderr) return
      process.stderr.write(`Error: ${storageError('the output', error).message}\n`)
      process.once('exit', () => {
        process.exitCode ||= 1
      })
    })
  }
}
