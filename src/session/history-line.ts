import {isRecord} from './record.ts'
import {
  type Picture,
  type Session,
  type SessionRequest,
  type SessionResult,
  type SessionState,
  type Submission,
  TERMINAL,
} from './session.ts'
import {STATUS_WORDS} from './status-words.ts'

/** Version of what stands under `ag` in a line. A reader that knows less shows the session but never writes it. */
export const LINE_VERSION = 1

/** A line is one write of at most this many bytes, its line break included. */
export const MAX_LINE_BYTES = 16 * 1024

const MAX_MESSAGE = 1024
const MAX_DEPTH = 16

/** One line of a history, understood. */
export interface ParsedLine {
  /** As it stands in the file, without its line break. */
  readonly text: string
  readonly timestamp: string
  readonly event: string
  readonly session: Session
  /** Only in the first line. */
  readonly request?: SessionRequest
}

/**
 * One line of a history: the keys of seed 003 first, ours under `ag`. Each line stands for itself, so that the last whole
 * one is the state. Long texts are cut until the line fits.
 */
export function formatLine(event: string, session: Session, request?: SessionRequest): Buffer {
  for (let room = 8000; ; room = Math.floor(room / 2)) {
    const line = Buffer.from(`${JSON.stringify(toJson(event, session, request && cut(request, room)))}\n`)
    if (line.length <= MAX_LINE_BYTES || room === 0) return line
  }
}

function toJson(event: string, session: Session, request: SessionRequest | undefined): object {
  const {id, state, progress, message, updatedAt, startedAt, owner, epoch, seq, submission, result, asset, run, key} =
    session
  return {
    timestamp: updatedAt,
    session: id,
    status: STATUS_WORDS[state].history,
    progress,
    message: message.slice(0, MAX_MESSAGE),
    task_id: run,
    metadata: {asset, ...(request ? {request} : {})},
    ag: {
      v: LINE_VERSION,
      seq,
      epoch,
      ev: event,
      state,
      own: owner,
      t0: startedAt,
      ...(key ? {key} : {}),
      ...(submission ? {be: submission} : {}),
      ...(result ? {result: {...result, ...(result.error ? {error: result.error.slice(0, MAX_MESSAGE)} : {})}} : {}),
    },
  }
}

function cut(request: SessionRequest, room: number): SessionRequest {
  const parameters = JSON.stringify(request.parameters)
  return {
    ...request,
    prompt: request.prompt.slice(0, room),
    parameters: parameters.length <= room ? request.parameters : {cut: true},
  }
}

/**
 * Reads a line that may come from anywhere: a torn, foreign or hostile one is `undefined`, never an exception. Events that
 * this version does not know are kept as long as the state they carry is one.
 */
export function parseLine(text: string): ParsedLine | undefined {
  if (Buffer.byteLength(text) >= MAX_LINE_BYTES) return undefined
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isRecord(json) || !isShallow(json, MAX_DEPTH)) return undefined
  const {timestamp, session: id, progress, message, metadata, task_id: run, ag} = json
  if (!isSessionId(id) || !isTime(timestamp) || !isRecord(ag) || !isRecord(metadata)) return undefined
  const {v, seq, epoch, ev, state, own, t0, key, be, result} = ag
  if (!isCount(v) || !isCount(seq) || !isCount(epoch) || !isText(ev, 64) || !isState(state)) return undefined
  if (!isText(own, 64) || !isTime(t0)) return undefined
  const submission = readSubmission(be)
  const ended = readResult(result)
  const request = readRequest(metadata['request'])
  return {
    text,
    timestamp,
    event: ev,
    session: {
      id,
      state,
      progress: isFraction(progress) ? progress : 0,
      message: isText(message, MAX_MESSAGE) ? message : '',
      startedAt: t0,
      updatedAt: timestamp,
      owner: own,
      epoch,
      seq,
      asset: isText(metadata['asset'], 256) ? metadata['asset'] : id,
      run: isText(run, 128) ? run : '',
      ...(isKey(key) ? {key} : {}),
      ...(v > LINE_VERSION ? {unsupported: true} : {}),
      ...(submission ? {submission} : {}),
      ...(ended ? {result: ended} : {}),
    },
    ...(request ? {request} : {}),
  }
}

const SESSION_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/
const WINDOWS_DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])$/i

/** Ids become file names, on every system. */
export function isSessionId(value: unknown): value is string {
  return typeof value === 'string' && SESSION_ID.test(value) && !WINDOWS_DEVICE.test(value)
}

function readSubmission(value: unknown): Submission | undefined {
  if (!isRecord(value) || value['kind'] !== 'swarmui') return undefined
  const {phase, handle, by} = value
  if (phase !== 'intent' && phase !== 'ack') return undefined
  const usable = isText(handle, 200) && /^[A-Za-z0-9._:/-]+$/.test(handle)
  return {kind: 'swarmui', phase, ...(usable ? {handle} : {}), ...(isText(by, 64) ? {by} : {})}
}

function readResult(value: unknown): SessionResult | undefined {
  if (!isRecord(value)) return undefined
  const picture = readPicture(value['picture'])
  const {seed, model, error, reason, recovered} = value
  return {
    ...(picture ? {picture} : {}),
    ...(Number.isSafeInteger(seed) ? {seed: seed as number} : {}),
    ...(isText(model, 300) ? {model} : {}),
    ...(isText(error, MAX_MESSAGE) ? {error} : {}),
    ...(isText(reason, 64) ? {reason} : {}),
    ...(recovered === 'disk' || recovered === 'server' ? {recovered} : {}),
  }
}

function readPicture(value: unknown): Picture | undefined {
  if (!isRecord(value)) return undefined
  const {path, sha256, bytes, width, height, format} = value
  if (!isText(path, 4096) || !isText(sha256, 64) || !/^[0-9a-f]{64}$/.test(sha256)) return undefined
  if (!isCount(bytes) || !isCount(width) || !isCount(height) || !isText(format, 16)) return undefined
  return {path, sha256, bytes, width, height, format}
}

function readRequest(value: unknown): SessionRequest | undefined {
  if (!isRecord(value)) return undefined
  const {run, asset, prompt, parameters, output, server, user, key, total, randomSeed, redacted} = value
  if (!isText(run, 128) || !isText(asset, 256) || !isText(prompt, MAX_LINE_BYTES) || !isRecord(parameters))
    return undefined
  if (!isText(output, 4096) || !isText(server, 2048)) return undefined
  return {
    run,
    asset,
    prompt,
    parameters,
    output,
    server,
    ...(isText(user, 256) ? {user} : {}),
    ...(isKey(key) ? {key} : {}),
    ...(isCount(total) ? {total} : {}),
    ...(randomSeed === true ? {randomSeed} : {}),
    ...(redacted === true ? {redacted} : {}),
  }
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((part) => isShallow(part, depth - 1))
}

function isText(value: unknown, length: number): value is string {
  return typeof value === 'string' && value.length <= length
}

function isKey(value: unknown): value is string {
  return isText(value, 64) && /^[0-9a-f]{32}$/.test(value)
}

/** Far beyond what anything counts to, and far enough below what a number can hold to be counted on. */
const HIGHEST_COUNT = 2 ** 40

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= HIGHEST_COUNT
}

function isFraction(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1
}

function isTime(value: unknown): value is string {
  return isText(value, 40) && /^\d{4}-\d\d-\d\dT/.test(value) && Number.isFinite(Date.parse(value))
}

function isState(value: unknown): value is SessionState {
  return typeof value === 'string' && Object.hasOwn(STATUS_WORDS, value)
}

/** Whether a session has been settled. */
export function isSettled({state}: Pick<Session, 'state'>): boolean {
  return TERMINAL.has(state)
}
