import {randomBytes} from 'node:crypto'
import {readFileSync, readlinkSync} from 'node:fs'
import {hostname} from 'node:os'
import type {OwnerStanding} from './session.ts'

/** Who a process is, so that another one can tell whether it still is: for people, and as a second witness to its lock. */
export interface Owner {
  readonly v: 1
  readonly own: string
  readonly pid: number
  /** Clock ticks from boot to the process's start; Linux only. Tells a process from a later one with the same pid. */
  readonly start?: string
  readonly boot?: string
  /** Processes in different pid namespaces (containers) cannot ask after each other's pids. */
  readonly pidns?: string
  readonly host: string
  readonly ci?: {readonly run_id: string; readonly attempt?: string; readonly job?: string}
  readonly cmd: string
  readonly since: string
}

/** This process as an owner, with a token that is never used again. */
export function thisProcess(command: string, now: number, env: NodeJS.ProcessEnv = process.env): Owner {
  const start = startTicks(process.pid)
  const boot = bootId()
  const pidns = pidNamespace()
  const {GITHUB_RUN_ID: run, GITHUB_RUN_ATTEMPT: attempt, GITHUB_JOB: job} = env
  return {
    v: 1,
    own: `o-${randomBytes(8).toString('hex')}`,
    pid: process.pid,
    ...(start ? {start} : {}),
    ...(boot ? {boot} : {}),
    ...(pidns ? {pidns} : {}),
    host: hostname(),
    ...(run ? {ci: {run_id: run, ...(attempt ? {attempt} : {}), ...(job ? {job} : {})}} : {}),
    cmd: command,
    since: new Date(now).toISOString(),
  }
}

/** Whether the very process that wrote this identity runs on this machine; `undefined` where that cannot be asked. */
export function isRunning(owner: Partial<Owner>): boolean | undefined {
  if (!owner.boot || !owner.start || !owner.pid || owner.boot !== bootId() || owner.pidns !== pidNamespace())
    return undefined
  return startTicks(owner.pid) === owner.start
}

/** Field 22 of /proc/PID/stat, counted after the last `)`: the name before it may hold spaces and brackets. */
function startTicks(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function bootId(): string | undefined {
  return readText('/proc/sys/kernel/random/boot_id')?.trim()
}

function pidNamespace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return undefined
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Whether nobody is at a session that has not come to its end. One of a newer ag is that one's to judge. */
export function isOrphan({
  ownerStanding,
  unsupported = false,
}: {
  readonly ownerStanding: OwnerStanding
  readonly unsupported?: boolean
}): boolean {
  return (ownerStanding === 'dead' || ownerStanding === 'foreign') && !unsupported
}
