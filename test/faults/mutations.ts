/** A bug, planted: a text in a source file and what it becomes, and the tests that must notice. */
export interface Mutation {
  readonly name: string
  readonly file: string
  readonly find: string
  readonly replace: string
  /** Path of a test file, and a pattern of test names if only some are meant. */
  readonly tests: readonly string[]
  readonly only?: string
}

const KILL_POINTS = ['test/faults/kill-points.test.ts']

/** Bugs that histories, recovery and resumption could have; each was made by somebody, somewhere. */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'a claim empties the history through its marker, which is a second link to it',
    file: 'src/store/make-folders.ts',
    find: "{flag: 'wx'}",
    replace: "{flag: 'w'}",
    tests: ['test/store/file-store.test.ts'],
  },
  {
    name: 'a live owner counts as dead',
    file: 'src/store/owners.ts',
    find: "if (running) return 'alive'",
    replace: "if (running) return 'dead'",
    tests: ['test/faults/hostile.test.ts'],
    only: 'clock that jumps',
  },
  {
    name: 'an owner is judged by its pid alone, which another process has by now',
    file: 'src/session/owner.ts',
    find: 'return startTicks(owner.pid) === owner.start',
    replace: 'return startTicks(owner.pid) !== undefined',
    tests: ['test/recover.test.ts'],
  },
  {
    name: 'a claim does not raise the epoch',
    file: 'src/store/file-store.ts',
    find: 'epoch: before.epoch + 1',
    replace: 'epoch: before.epoch',
    tests: ['test/faults/kill-loop.test.ts'],
  },
  {
    name: 'a line after a torn one is not begun anew',
    file: 'src/store/history-file.ts',
    find: "this.#torn ? Buffer.concat([Buffer.from('\\n'), line]) : line",
    replace: 'line',
    tests: ['test/store/file-store.test.ts'],
  },
  {
    name: 'progress is written on after another process has taken the session over',
    file: 'src/store/history-file.ts',
    find: 'if (this.#hasGrown()) this.#fence()',
    replace: '',
    tests: ['test/store/file-store.test.ts'],
    only: 'took the session over',
  },
  {
    name: 'a short write counts as a whole one',
    file: 'src/store/history-file.ts',
    find: 'if (written === bytes.length) return written',
    replace: 'if (written >= 0) return written',
    tests: KILL_POINTS,
    only: 'write only half',
  },
  {
    name: 'a picture is written in its place instead of beside it',
    file: 'src/replace-file.ts',
    find: 'const temporary = join(dirname(path),',
    replace: 'const temporary = path || join(dirname(path),',
    tests: KILL_POINTS,
    only: 'was killed',
  },
  {
    name: 'a run that goes on does not ask the server for what was finished',
    file: 'src/generation/resume.ts',
    find: "return session.submission !== undefined && !WITHOUT_PICTURE.has(session.result?.reason ?? '')",
    replace: 'return WITHOUT_PICTURE.size < 0',
    tests: ['test/generation/resume.test.ts'],
  },
  {
    name: 'the intent is not recorded before the request is sent',
    file: 'src/generation/make-picture.ts',
    find: "submission: {kind: server.kind, phase: 'intent'},",
    replace: '',
    tests: KILL_POINTS,
    only: 'was killed',
  },
  {
    name: 'work counts as gone without a look at the counters',
    file: 'src/recovery/server-evidence.ts',
    find: "?.waitingGens ? 'running' : 'gone'",
    replace: "?.waitingGens ? 'gone' : 'gone'",
    tests: ['test/generation/resume.test.ts', 'test/recover.test.ts'],
    only: 'waits for',
  },
  {
    name: 'any picture of the right name is taken for the one that is sought',
    file: 'src/recovery/adopt.ts',
    find: "return sha256(bytes) === digest ? undefined : 'has other bytes than were recorded'",
    replace: 'return undefined',
    tests: ['test/generation/resume.test.ts'],
  },
  {
    name: 'a picture is begun without keeping other processes out',
    file: 'src/store/file-store.ts',
    find: 'const done = await withClaimLock(this.#layout, this.#options.clock, async () => ({value: await work()}))',
    replace: 'const done = {value: await work()}',
    tests: ['test/store/file-store.test.ts'],
    only: 'one at a time',
  },
  {
    name: 'recovery takes a place that somebody else has taken',
    file: 'src/recovery/place.ts',
    find: 'if (await writeNewPicture(place.path, bytes)) return place',
    replace: 'if ((await writeNewPicture(place.path, bytes)) || place.path) return place',
    tests: ['test/recover.test.ts'],
  },
  {
    name: 'a history from elsewhere says where its picture is written',
    file: 'src/recovery/place.ts',
    find: "if (!request || session.ownerStanding === 'foreign') return undefined",
    replace: 'if (!request) return undefined',
    tests: ['test/recover.test.ts'],
  },
  {
    name: 'what is put aside is deleted',
    file: 'src/store/quarantine.ts',
    find: '  return aside(layout, path, now, renameSync)',
    replace: '  return aside(layout, path, now, (from) => rmSync(from, {recursive: true}))',
    tests: ['test/recover.test.ts'],
  },
  {
    name: 'merging forgets that a picture was finished',
    file: 'src/session/replay.ts',
    find: 'if (done !== 0) return done > 0',
    replace: 'if (done > 9) return done > 0',
    tests: ['test/store/merge-lines.property.test.ts'],
  },
  {
    name: 'the first error of a disk ends the process with a stack',
    file: 'src/store/remove-quietly.ts',
    find: 'return false',
    replace: "throw new Error('planted')",
    tests: KILL_POINTS,
    only: 'fail, or write',
  },
]
