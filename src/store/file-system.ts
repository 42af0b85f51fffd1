import {statfsSync} from 'node:fs'

/** File systems on which kernel locks are known to work between processes, by their magic numbers. */
const LOCAL = new Map([
  [0xef53, 'ext'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x794c7630, 'overlay'],
  [0x01021994, 'tmpfs'],
  [0x2fc12fc1, 'zfs'],
  [0xf2f52010, 'f2fs'],
])
const REMOTE = new Map([
  [0x6969, 'nfs'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb'],
  [0x65735546, 'fuse'],
  [0x01021997, '9p'],
])

/** What a folder lies on, and whether a free kernel lock there means that its holder is dead. */
export function fileSystemOf(folder: string): {readonly name: string; readonly trustLocks: boolean} {
  if (process.platform !== 'linux') return {name: process.platform, trustLocks: true}
  const {type} = statfsSync(folder)
  const name = LOCAL.get(type) ?? REMOTE.get(type) ?? `0x${type.toString(16)}`
  return {name, trustLocks: LOCAL.has(type)}
}
