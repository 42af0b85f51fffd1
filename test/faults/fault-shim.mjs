/**
 * Preloaded into a process (`node --import`): counts the calls that change something below AG_FAULT_ROOT, and at the one with
 * number `at` of AG_FAULT does what it says: `kill` (SIGKILL before the call), `short` (writes half, as a full disk does on
 * some file systems), or an error code such as ENOSPC (with `for_ever` all further writes fail, too). With `no_links` the file
 * system has no hard links. How many calls there were, and which, goes to the file AG_FAULT_CALLS, a name a line.
 */
import fs from 'node:fs'
import {syncBuiltinESMExports} from 'node:module'
import {resolve, sep} from 'node:path'

const root = `${resolve(process.env.AG_FAULT_ROOT)}${sep}`
const {
  at = 0,
  do: fault = '',
  for_ever: forEver = false,
  no_links: noLinks = false,
} = JSON.parse(process.env.AG_FAULT ?? '{}')
const real = {...fs}
const ours = new Set()
let count = 0

/** Counts a call; throws or kills when it is the one. True when it is to be a short write. */
function strike(name) {
  count++
  if (process.env.AG_FAULT_CALLS) real.appendFileSync(process.env.AG_FAULT_CALLS, `${name}\n`)
  if (count !== at && !(forEver && count > at && at > 0)) return false
  if (fault === 'kill') {
    process.kill(process.pid, 'SIGKILL')
    // The signal comes from outside; nothing more is done until it is here.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }
  // A full disk lets go of files all the same.
  if (fault === 'ENOSPC' && /rm|unlink/.test(name)) return false
  if (fault === 'short') return name === 'writeSync'
  if (fault !== '') throw Object.assign(new Error(`${fault}: planted at ${name}`), {code: fault, syscall: name})
  return false
}

const isOurs = (path) => typeof path === 'string' && `${resolve(path)}${sep}`.startsWith(root)
const writes = (flags) => (typeof flags === 'number' ? (flags & 3) !== 0 : /[wax+]/.test(flags ?? 'r'))

for (const name of ['mkdirSync', 'rmSync', 'unlinkSync', 'writeFileSync', 'appendFileSync', 'chmodSync']) {
  fs[name] = (path, ...rest) => {
    if (isOurs(path)) strike(name)
    return real[name](path, ...rest)
  }
}
for (const name of ['linkSync', 'renameSync']) {
  fs[name] = (from, to) => {
    if (isOurs(to)) strike(name)
    if (noLinks && name === 'linkSync') throw Object.assign(new Error('EPERM: no links here'), {code: 'EPERM'})
    return real[name](from, to)
  }
}
fs.openSync = (path, flags, mode) => {
  if (isOurs(path) && writes(flags)) strike('openSync')
  const fd = real.openSync(path, flags, mode)
  if (isOurs(path)) ours.add(fd)
  else ours.delete(fd)
  return fd
}
fs.writeSync = (fd, bytes, ...rest) => {
  if (!ours.has(fd)) return real.writeSync(fd, bytes, ...rest)
  if (!strike('writeSync')) return real.writeSync(fd, bytes, ...rest)
  return real.writeSync(fd, bytes.subarray(0, Math.floor(bytes.length / 2)))
}
fs.fsyncSync = (fd) => {
  if (ours.has(fd)) strike('fsyncSync')
  return real.fsyncSync(fd)
}
fs.fdatasync = (fd, done) => {
  try {
    if (ours.has(fd)) strike('fdatasync')
  } catch (error) {
    return void setImmediate(done, error)
  }
  real.fdatasync(fd, done)
}

const promised = {...fs.promises}
for (const name of ['mkdir', 'rm', 'writeFile', 'open']) {
  fs.promises[name] = async (path, ...rest) => {
    if (isOurs(path) && (name !== 'open' || writes(rest[0]))) strike(`promises.${name}`)
    const result = await promised[name](path, ...rest)
    if (name === 'open' && isOurs(path) && writes(rest[0])) watchHandle(result)
    return result
  }
}
fs.promises.rename = async (from, to) => {
  if (isOurs(to)) strike('promises.rename')
  return promised.rename(from, to)
}

function watchHandle(handle) {
  const {writeFile} = handle
  handle.writeFile = async (...bytes) => {
    strike('handle.writeFile')
    return writeFile.apply(handle, bytes)
  }
}

syncBuiltinESMExports()
