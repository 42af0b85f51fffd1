import type {IncomingMessage} from 'node:http'
import WebSocket from 'ws'
import {DeniedError, UnreachableError} from '../../errors.ts'
import {guardedLookup} from './address.ts'
import type {SocketEnd} from './run-outcome.ts'
import type {Transport} from './transport.ts'

interface SocketRun {
  readonly transport: Transport
  /** The first and only message: session and parameters. */
  readonly message: object
  readonly signal: AbortSignal
  /** No frame and no pong for so many milliseconds is a dead link. The server pongs every 30 s (recording 28). */
  readonly silenceMs: number
  readonly maxPayload: number
  /** Takes each frame; returns true when the run has ended. */
  readonly onFrame: (frame: unknown) => boolean
  /** Sockets whose run has ended but whose closing handshake has not; the owner terminates them when it leaves. */
  readonly lingering: Set<WebSocket>
}

/**
 * Sends one generation request over a WebSocket and resolves as soon as its run has ended: at `socket_intention`, not
 * two seconds later when the server closes (recording 02). Resolves with how it ended; a broken link is an end, too.
 *
 * Throws before anything was sent: `UnreachableError` or `DeniedError`. Throws the signal's reason when aborted; the
 * socket is then terminated, because a polite close would let the run go on feeding it (recording 31).
 */
export function runOverSocket(run: SocketRun): Promise<SocketEnd> {
  const {transport, signal, lingering} = run
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const url = new URL('API/GenerateText2ImageWS', transport.address.base)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    const socket = new WebSocket(url, {
      headers: transport.headers,
      lookup: guardedLookup,
      handshakeTimeout: 15_000,
      perMessageDeflate: false,
      maxPayload: run.maxPayload,
    })
    const silence = setTimeout(() => socket.terminate(), run.silenceMs)
    let sent = false

    const leave = (): void => {
      clearTimeout(silence)
      signal.removeEventListener('abort', onAbort)
      socket.removeAllListeners()
      socket.on('error', () => {})
    }
    const onAbort = (): void => {
      leave()
      socket.terminate()
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, {once: true})

    socket.on('open', () => {
      sent = true
      socket.send(JSON.stringify(run.message))
    })
    socket.on('pong', () => silence.refresh())
    socket.on('message', (bytes) => {
      silence.refresh()
      if (!run.onFrame(parseFrame(String(bytes)))) return
      leave()
      lingering.add(socket)
      socket.on('close', () => lingering.delete(socket))
      socket.close(1000)
      resolve('intended')
    })
    socket.on('unexpected-response', (_request, response) => {
      leave()
      socket.terminate()
      reject(refusedUpgrade(response, transport.address.display))
    })
    socket.on('error', (error) => {
      if (sent) return // 'close' follows and tells the code
      leave()
      reject(transport.unreachable(error))
    })
    socket.on('close', (code) => {
      leave()
      if (sent) resolve(code)
      else reject(transport.unreachable(new Error(`the connection closed before the request was sent (${code})`)))
    })
  })
}

function parseFrame(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refusedUpgrade(response: IncomingMessage, server: string): Error {
  const status = response.statusCode ?? 0
  response.destroy()
  if (status === 401 || status === 403 || status === 407) {
    return new DeniedError(`${server} wants other credentials for the WebSocket (HTTP ${status}).`, {
      next: 'Pass --authorization (AG_AUTHORIZATION), --token (AG_TOKEN) or --header.',
    })
  }
  return new UnreachableError(`${server} refused the WebSocket (HTTP ${status}).`, {
    next: 'If a proxy in between knows no WebSockets, use --transport http.',
  })
}
